// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

/**
 * The window with most articles so far.
 */
public class BurstPeak {
    private long articles;
    private BurstWindow window;

    /**
     * How many that were.
     */
    public long getArticles() { return articles; }
    public void setArticles(long value) { this.articles = value; }

    public BurstWindow getWindow() { return window; }
    public void setWindow(BurstWindow value) { this.window = value; }
}
