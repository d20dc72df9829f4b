// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

/**
 * When it was published, and how that is known. Never later than when it was first seen.
 */
public class ArticlePublished {
    private String at;
    private String evidence;
    private String precision;
    private String text;
    private String zone;

    /**
     * In UTC with Z; where `zone` is `unknown`, a local time without an offset. Where no date
     * was found (`evidence` is `first-seen`), it is `first_seen`.
     */
    public String getAt() { return at; }
    public void setAt(String value) { this.at = value; }

    /**
     * Where the date was found.
     */
    public String getEvidence() { return evidence; }
    public void setEvidence(String value) { this.evidence = value; }

    /**
     * The smallest unit that the text names: a date of `day` is its midnight, one of `hour` may
     * count back from when it was fetched. Not there where no date was found, and in articles
     * of release 0.1.
     */
    public String getPrecision() { return precision; }
    public void setPrecision(String value) { this.precision = value; }

    /**
     * The text it was read from; empty where no date was found.
     */
    public String getText() { return text; }
    public void setText(String value) { this.text = value; }

    /**
     * Whether the text named its time zone, the source's profile did, or neither; `explicit`
     * where no date was found or it counts back from the time of the fetch, since these are in
     * UTC.
     */
    public String getZone() { return zone; }
    public void setZone(String value) { this.zone = value; }
}
