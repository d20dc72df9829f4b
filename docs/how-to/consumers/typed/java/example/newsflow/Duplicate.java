// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

/**
 * An article that was held back because another one already says (nearly) the same.
 */
public class Duplicate {
    private double containment;
    private DuplicateRef copy;
    private double jaccard;
    private String method;
    private double numbers;
    private DuplicateRef original;
    private String story;

    /**
     * Shared shingles over those of the shorter text.
     */
    public double getContainment() { return containment; }
    public void setContainment(double value) { this.containment = value; }

    /**
     * The article held back.
     */
    public DuplicateRef getCopy() { return copy; }
    public void setCopy(DuplicateRef value) { this.copy = value; }

    /**
     * Shared shingles over all shingles.
     */
    public double getJaccard() { return jaccard; }
    public void setJaccard(double value) { this.jaccard = value; }

    /**
     * `exact`: the same folded text. `near`: nearly the same.
     */
    public String getMethod() { return method; }
    public void setMethod(String value) { this.method = value; }

    /**
     * Share of the smaller set of number tokens that both hold; 1 when there are none.
     */
    public double getNumbers() { return numbers; }
    public void setNumbers(double value) { this.numbers = value; }

    /**
     * The one seen first.
     */
    public DuplicateRef getOriginal() { return original; }
    public void setOriginal(DuplicateRef value) { this.original = value; }

    /**
     * Id of the story both belong to.
     */
    public String getStory() { return story; }
    public void setStory(String value) { this.story = value; }
}
