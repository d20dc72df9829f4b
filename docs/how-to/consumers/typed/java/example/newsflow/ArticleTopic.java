// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

import java.util.List;

public class ArticleTopic {
    private String code;
    private List<ArticleEvidence> evidence;
    private String id;
    private String ruleVersion;
    private String scheme;
    private double score;

    /**
     * Code in that list: SY. Empty for a topic whose rule names none, as those of your own
     * usually are.
     */
    public String getCode() { return code; }
    public void setCode(String value) { this.code = value; }

    /**
     * The passages that decided.
     */
    public List<ArticleEvidence> getEvidence() { return evidence; }
    public void setEvidence(List<ArticleEvidence> value) { this.evidence = value; }

    /**
     * The id of a topic: lower-case letters, digits and hyphens, as in united-states.
     */
    public String getId() { return id; }
    public void setId(String value) { this.id = value; }

    /**
     * Version of the rules that decided.
     */
    public String getRuleVersion() { return ruleVersion; }
    public void setRuleVersion(String value) { this.ruleVersion = value; }

    /**
     * The code list `code` is of: iso3166 for countries, newsflow where the rule names none.
     */
    public String getScheme() { return scheme; }
    public void setScheme(String value) { this.scheme = value; }

    /**
     * How strongly, 0 or more.
     */
    public double getScore() { return score; }
    public void setScore(double value) { this.score = value; }
}
