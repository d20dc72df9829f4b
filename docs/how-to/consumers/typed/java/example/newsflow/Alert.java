// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

import java.util.List;

/**
 * Somebody asked to be told of this. The id derives from subscription, story and step: the
 * same alert again has the same id.
 */
public class Alert {
    private List<AlertArticle> articles;
    private String at;
    private String id;
    private Boolean sample;
    private String severity;
    private String step;
    private String story;
    private String subscription;
    private Why why;

    /**
     * The article versions it speaks of.
     */
    public List<AlertArticle> getArticles() { return articles; }
    public void setArticles(List<AlertArticle> value) { this.articles = value; }

    /**
     * Event time of the article that raised it (its ce_time); of a subscription with a policy,
     * when the alert was raised. Not when it was sent.
     */
    public String getAt() { return at; }
    public void setAt(String value) { this.at = value; }

    /**
     * Drop repeats by it.
     */
    public String getId() { return id; }
    public void setId(String value) { this.id = value; }

    /**
     * True for an alert asked for to try a destination: nothing happened.
     */
    public Boolean getSample() { return sample; }
    public void setSample(Boolean value) { this.sample = value; }

    /**
     * The words of PagerDuty Events v2.
     */
    public String getSeverity() { return severity; }
    public void setSeverity(String value) { this.severity = value; }

    /**
     * Where in the life of its story the alert stands.
     */
    public String getStep() { return step; }
    public void setStep(String value) { this.step = value; }

    /**
     * Id of the story; absent when the article has none.
     */
    public String getStory() { return story; }
    public void setStory(String value) { this.story = value; }

    /**
     * Who asked: the id of the subscription.
     */
    public String getSubscription() { return subscription; }
    public void setSubscription(String value) { this.subscription = value; }

    /**
     * Why it was raised.
     */
    public Why getWhy() { return why; }
    public void setWhy(Why value) { this.why = value; }
}
