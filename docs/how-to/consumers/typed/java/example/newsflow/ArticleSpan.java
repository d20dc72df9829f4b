// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

public class ArticleSpan {
    private long end;
    private String field;
    private long start;

    public long getEnd() { return end; }
    public void setEnd(long value) { this.end = value; }

    public String getField() { return field; }
    public void setField(String value) { this.field = value; }

    public long getStart() { return start; }
    public void setStart(long value) { this.start = value; }
}
