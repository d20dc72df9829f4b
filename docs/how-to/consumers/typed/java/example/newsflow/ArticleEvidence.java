// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

/**
 * One matched passage: field[start:end] is text.
 */
public class ArticleEvidence {
    private long end;
    private String field;
    private String kind;
    private long start;
    private String term;
    private String text;
    private double weight;

    public long getEnd() { return end; }
    public void setEnd(long value) { this.end = value; }

    public String getField() { return field; }
    public void setField(String value) { this.field = value; }

    /**
     * Of the name of a place, or of what stands for a country, what it is: city, subdivision,
     * institution, leader or sign. Others may come. Not there for a term of a rule, which is
     * what the country is called or a name of its own.
     */
    public String getKind() { return kind; }
    public void setKind(String value) { this.kind = value; }

    public long getStart() { return start; }
    public void setStart(long value) { this.start = value; }

    /**
     * The term of the rule.
     */
    public String getTerm() { return term; }
    public void setTerm(String value) { this.term = value; }

    /**
     * The passage as it stands there.
     */
    public String getText() { return text; }
    public void setText(String value) { this.text = value; }

    public double getWeight() { return weight; }
    public void setWeight(double value) { this.weight = value; }
}
