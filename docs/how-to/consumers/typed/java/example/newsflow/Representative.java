// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

/**
 * The article that stands for the story.
 */
public class Representative {
    private String id;
    private String language;
    private String source;
    private String url;
    private long version;
    private String why;

    public String getId() { return id; }
    public void setId(String value) { this.id = value; }

    /**
     * BCP 47 tag; `und` when unsure.
     */
    public String getLanguage() { return language; }
    public void setLanguage(String value) { this.language = value; }

    public String getSource() { return source; }
    public void setSource(String value) { this.source = value; }

    public String getUrl() { return url; }
    public void setUrl(String value) { this.url = value; }

    public long getVersion() { return version; }
    public void setVersion(long value) { this.version = value; }

    /**
     * `first`: it was the first that was seen. `first-that-stands`: those before it were
     * withdrawn, or are copies. `none-stands`: all were withdrawn; it was the first.
     */
    public String getWhy() { return why; }
    public void setWhy(String value) { this.why = value; }
}
