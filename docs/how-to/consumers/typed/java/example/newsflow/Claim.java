// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

/**
 * Stands in a record for a value that does not fit its topic. The value is in the blob
 * store, under its digest; the header `ce_dataref` says the same. In place of a value of
 * any topic, and of dead letters.
 */
public class Claim {
    private String dataref;
    private String digest;
    private String holds;
    private String id;
    private long size;
    private Long version;

    /**
     * Where the blob is: a reference relative to `blobs.url`. From producers, also an address
     * below `blobs.url`.
     */
    public String getDataref() { return dataref; }
    public void setDataref(String value) { this.dataref = value; }

    /**
     * `sha256:` and the SHA-256 of the blob in 64 hexadecimal digits.
     */
    public String getDigest() { return digest; }
    public void setDigest(String value) { this.digest = value; }

    /**
     * `record` where key and headers alone did not fit: the blob is then JSON of the whole
     * record, with `key_base64`, `value_base64` and `headers`. Absent: the blob is the value.
     */
    public String getHolds() { return holds; }
    public void setHolds(String value) { this.holds = value; }

    /**
     * The id of what the blob holds: of an article, an alert; otherwise the `ce_id`, of a dead
     * letter its `newsflow.error.id`.
     */
    public String getId() { return id; }
    public void setId(String value) { this.id = value; }

    /**
     * Bytes of the blob.
     */
    public long getSize() { return size; }
    public void setSize(long value) { this.size = value; }

    /**
     * The version of the article that the blob holds.
     */
    public Long getVersion() { return version; }
    public void setVersion(Long value) { this.version = value; }
}
