// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

/**
 * How many articles first seen in one window are about one topic, in one language, or from
 * one source. An article counts once, with its newest version, and no more once it is
 * withdrawn. Of one id the highest revision holds.
 */
public class Trend {
    private long articles;
    private String dimension;
    private String id;
    private String name;
    private TrendReplaces replaces;
    private long revision;
    private TrendWindow window;

    /**
     * Articles counted; 0 only where a correction took the last one away.
     */
    public long getArticles() { return articles; }
    public void setArticles(long value) { this.articles = value; }

    /**
     * What kind of thing is counted.
     */
    public String getDimension() { return dimension; }
    public void setDimension(String value) { this.dimension = value; }

    /**
     * The same in all revisions: derives from window, dimension and name.
     */
    public String getId() { return id; }
    public void setId(String value) { this.id = value; }

    /**
     * What is counted, within the dimension: a topic id, a language tag, a source, a story id;
     * `all` for all articles.
     */
    public String getName() { return name; }
    public void setName(String value) { this.name = value; }

    /**
     * What this corrects. Not there in the first revision.
     */
    public TrendReplaces getReplaces() { return replaces; }
    public void setReplaces(TrendReplaces value) { this.replaces = value; }

    /**
     * 1 when the window is closed; one more with each correction.
     */
    public long getRevision() { return revision; }
    public void setRevision(long value) { this.revision = value; }

    public TrendWindow getWindow() { return window; }
    public void setWindow(TrendWindow value) { this.window = value; }
}
