// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

import java.util.List;

/**
 * The place that its dateline names, where one does. Among `places` only where it is named
 * again.
 *
 * A place that the article names.
 */
public class ArticlePlace {
    private String country;
    private String kind;
    private Double latitude;
    private Double longitude;
    private String name;
    private List<ArticleSpan> spans;
    private String subdivision;
    private String text;

    /**
     * Its country's code in ISO 3166: SA.
     */
    public String getCountry() { return country; }
    public void setCountry(String value) { this.country = value; }

    /**
     * A city, or a state or province.
     */
    public String getKind() { return kind; }
    public void setKind(String value) { this.kind = value; }

    /**
     * In degrees, north of the equator; of cities.
     */
    public Double getLatitude() { return latitude; }
    public void setLatitude(Double value) { this.latitude = value; }

    /**
     * In degrees, east of Greenwich; of cities.
     */
    public Double getLongitude() { return longitude; }
    public void setLongitude(Double value) { this.longitude = value; }

    /**
     * Its name in English: Jeddah.
     */
    public String getName() { return name; }
    public void setName(String value) { this.name = value; }

    /**
     * Where it is named: field[start:end].
     */
    public List<ArticleSpan> getSpans() { return spans; }
    public void setSpans(List<ArticleSpan> value) { this.spans = value; }

    /**
     * Of a city, the code that GeoNames has for the state or province it lies in: TX, 14.
     */
    public String getSubdivision() { return subdivision; }
    public void setSubdivision(String value) { this.subdivision = value; }

    /**
     * Its name as it first stands in the article: جدة.
     */
    public String getText() { return text; }
    public void setText(String value) { this.text = value; }
}
