// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

/**
 * The record this version came from.
 */
public class ArticleOrigin {
    private String eventId;
    private long offset;
    private long partition;
    private String topic;

    /**
     * Digest of place and bytes.
     */
    public String getEventId() { return eventId; }
    public void setEventId(String value) { this.eventId = value; }

    public long getOffset() { return offset; }
    public void setOffset(long value) { this.offset = value; }

    public long getPartition() { return partition; }
    public void setPartition(long value) { this.partition = value; }

    /**
     * Kafka topic, or file name.
     */
    public String getTopic() { return topic; }
    public void setTopic(String value) { this.topic = value; }
}
