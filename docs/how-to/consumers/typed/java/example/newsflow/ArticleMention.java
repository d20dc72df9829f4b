// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

public class ArticleMention {
    private String code;
    private long count;
    private String id;

    /**
     * As in a topic.
     */
    public String getCode() { return code; }
    public void setCode(String value) { this.code = value; }

    public long getCount() { return count; }
    public void setCount(long value) { this.count = value; }

    /**
     * The id of a topic: lower-case letters, digits and hyphens, as in united-states.
     */
    public String getId() { return id; }
    public void setId(String value) { this.id = value; }
}
