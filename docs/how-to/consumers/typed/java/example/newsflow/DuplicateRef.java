// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

/**
 * The article held back.
 *
 * Names one article.
 *
 * The one seen first.
 */
public class DuplicateRef {
    private String guid;
    private String id;
    private String source;
    private String url;

    public String getGuid() { return guid; }
    public void setGuid(String value) { this.guid = value; }

    /**
     * Article id.
     */
    public String getId() { return id; }
    public void setId(String value) { this.id = value; }

    /**
     * The registered id of an outlet: lower-case letters, digits, dots, hyphens and
     * underscores, as in barid-sahel.
     */
    public String getSource() { return source; }
    public void setSource(String value) { this.source = value; }

    public String getUrl() { return url; }
    public void setUrl(String value) { this.url = value; }
}
