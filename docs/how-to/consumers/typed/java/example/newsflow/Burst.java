// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

import java.util.List;

/**
 * A topic or a story grew far faster than on other days at this hour. One burst is raised
 * once; that it ended, or was none after a correction, is said in a later revision under
 * the same id.
 */
public class Burst {
    private long articles;
    private long days;
    private String dimension;
    private BurstWindow ended;
    private double expected;
    private String id;
    private String name;
    private BurstPeak peak;
    private BurstReplaces replaces;
    private long revision;
    private List<String> sample;
    private long sources;
    private String state;
    private double tailLog10;
    private BurstWindow window;

    /**
     * Articles of that window; as corrected, where it is retracted.
     */
    public long getArticles() { return articles; }
    public void setArticles(long value) { this.articles = value; }

    /**
     * Earlier days that this is known from.
     */
    public long getDays() { return days; }
    public void setDays(long value) { this.days = value; }

    /**
     * What kind of thing grew.
     */
    public String getDimension() { return dimension; }
    public void setDimension(String value) { this.dimension = value; }

    /**
     * The last window that was looked at before it was said to have ended.
     */
    public BurstWindow getEnded() { return ended; }
    public void setEnded(BurstWindow value) { this.ended = value; }

    /**
     * Articles that were to be expected there, from the same window of earlier days; one
     * standard error is added.
     */
    public double getExpected() { return expected; }
    public void setExpected(double value) { this.expected = value; }

    /**
     * The same in all revisions: derives from the window that raised it, dimension and name.
     */
    public String getId() { return id; }
    public void setId(String value) { this.id = value; }

    /**
     * What is counted, within the dimension: a topic id, a language tag, a source, a story id;
     * `all` for all articles.
     */
    public String getName() { return name; }
    public void setName(String value) { this.name = value; }

    public BurstPeak getPeak() { return peak; }
    public void setPeak(BurstPeak value) { this.peak = value; }

    /**
     * The revision before. Not there in the first.
     */
    public BurstReplaces getReplaces() { return replaces; }
    public void setReplaces(BurstReplaces value) { this.replaces = value; }

    /**
     * Counts what was said about this burst, from 1.
     */
    public long getRevision() { return revision; }
    public void setRevision(long value) { this.revision = value; }

    /**
     * Ids of up to ten of its articles.
     */
    public List<String> getSample() { return sample; }
    public void setSample(List<String> value) { this.sample = value; }

    /**
     * Different sources of them.
     */
    public long getSources() { return sources; }
    public void setSources(long value) { this.sources = value; }

    /**
     * `raised`; `ended`: counts are usual again; `retracted`: a correction took away what had
     * raised it.
     */
    public String getState() { return state; }
    public void setState(String value) { this.state = value; }

    /**
     * log10 of the probability that a usual day gives as many articles.
     */
    public double getTailLog10() { return tailLog10; }
    public void setTailLog10(double value) { this.tailLog10 = value; }

    /**
     * The window that raised it.
     */
    public BurstWindow getWindow() { return window; }
    public void setWindow(BurstWindow value) { this.window = value; }
}
