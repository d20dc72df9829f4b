// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

import java.util.List;

public class AlertArticle {
    private String action;
    private String id;
    private String language;
    private String publishedAt;
    private String source;
    private String title;
    private List<String> topics;
    private String url;
    private long version;

    public String getAction() { return action; }
    public void setAction(String value) { this.action = value; }

    /**
     * Article id.
     */
    public String getId() { return id; }
    public void setId(String value) { this.id = value; }

    public String getLanguage() { return language; }
    public void setLanguage(String value) { this.language = value; }

    /**
     * In UTC with Z, or a local time without an offset when its zone is unknown.
     */
    public String getPublishedAt() { return publishedAt; }
    public void setPublishedAt(String value) { this.publishedAt = value; }

    /**
     * The registered id of an outlet: lower-case letters, digits, dots, hyphens and
     * underscores, as in barid-sahel.
     */
    public String getSource() { return source; }
    public void setSource(String value) { this.source = value; }

    public String getTitle() { return title; }
    public void setTitle(String value) { this.title = value; }

    public List<String> getTopics() { return topics; }
    public void setTopics(List<String> value) { this.topics = value; }

    public String getUrl() { return url; }
    public void setUrl(String value) { this.url = value; }

    public long getVersion() { return version; }
    public void setVersion(long value) { this.version = value; }
}
