// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

/**
 * The last window that was looked at before it was said to have ended.
 *
 * A window of event time: from `start` on, up to but without `end`.
 *
 * The window that raised it.
 */
public class BurstWindow {
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
