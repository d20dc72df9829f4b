// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

import java.util.List;

/**
 * Why it was raised.
 */
public class Why {
    private String rule;
    private List<String> sources;
    private List<AlertSpan> spans;
    private String story;

    /**
     * The condition that was met, in words.
     */
    public String getRule() { return rule; }
    public void setRule(String value) { this.rule = value; }

    /**
     * Sources heard so far, sorted.
     */
    public List<String> getSources() { return sources; }
    public void setSources(List<String> value) { this.sources = value; }

    /**
     * The passages that met it.
     */
    public List<AlertSpan> getSpans() { return spans; }
    public void setSpans(List<AlertSpan> value) { this.spans = value; }

    /**
     * One sentence on the state of the story.
     */
    public String getStory() { return story; }
    public void setStory(String value) { this.story = value; }
}
