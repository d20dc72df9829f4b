// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

/**
 * The revision before. Not there in the first.
 */
public class BurstReplaces {
    private long revision;

    /**
     * Its number.
     */
    public long getRevision() { return revision; }
    public void setRevision(long value) { this.revision = value; }
}
