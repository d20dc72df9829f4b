// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

/**
 * What this corrects. Not there in the first revision.
 */
public class TrendReplaces {
    private long articles;
    private long revision;

    /**
     * The count it gave.
     */
    public long getArticles() { return articles; }
    public void setArticles(long value) { this.articles = value; }

    /**
     * The revision before.
     */
    public long getRevision() { return revision; }
    public void setRevision(long value) { this.revision = value; }
}
