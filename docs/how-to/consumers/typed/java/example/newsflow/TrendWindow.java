// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

/**
 * A window of event time: from `start` on, up to but without `end`.
 */
public class TrendWindow {
    private String end;
    private String start;

    /**
     * An instant in UTC, RFC 3339 with Z: 2024-12-15T13:21:00Z.
     */
    public String getEnd() { return end; }
    public void setEnd(String value) { this.end = value; }

    /**
     * An instant in UTC, RFC 3339 with Z: 2024-12-15T13:21:00Z.
     */
    public String getStart() { return start; }
    public void setStart(String value) { this.start = value; }
}
