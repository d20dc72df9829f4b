// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

/**
 * A passage of an article: field[start:end] is text, in code points.
 */
public class AlertSpan {
    private String article;
    private long end;
    private String field;
    private long start;
    private String term;
    private String text;
    private String topic;

    /**
     * Article id.
     */
    public String getArticle() { return article; }
    public void setArticle(String value) { this.article = value; }

    public long getEnd() { return end; }
    public void setEnd(long value) { this.end = value; }

    public String getField() { return field; }
    public void setField(String value) { this.field = value; }

    public long getStart() { return start; }
    public void setStart(long value) { this.start = value; }

    public String getTerm() { return term; }
    public void setTerm(String value) { this.term = value; }

    public String getText() { return text; }
    public void setText(String value) { this.text = value; }

    /**
     * The id of a topic: lower-case letters, digits and hyphens, as in united-states.
     */
    public String getTopic() { return topic; }
    public void setTopic(String value) { this.topic = value; }
}
