// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

import java.util.List;

/**
 * A happening that several articles tell of, in whatever language, as it stands; or an id
 * that leads on to another story. The last record of an id holds.
 */
public class Story {
    private List<String> countries;
    private String firstSeen;
    private String id;
    private Long independentSources;
    private List<String> languages;
    private String lastSeen;
    private String mergedInto;
    private Representative representative;
    private Long size;
    private List<String> sources;
    private String title;
    private List<String> topics;

    /**
     * ISO 3166 codes of the countries that these articles are about, sorted.
     */
    public List<String> getCountries() { return countries; }
    public void setCountries(List<String> value) { this.countries = value; }

    /**
     * Of the first of all its articles.
     */
    public String getFirstSeen() { return firstSeen; }
    public void setFirstSeen(String value) { this.firstSeen = value; }

    /**
     * As in the articles' `story`. It never changes.
     */
    public String getId() { return id; }
    public void setId(String value) { this.id = value; }

    /**
     * How many sources speak for themselves: those of one publisher family count once, and so
     * do all that credit one agency, and the agency.
     */
    public Long getIndependentSources() { return independentSources; }
    public void setIndependentSources(Long value) { this.independentSources = value; }

    /**
     * Base languages of the articles that are not withdrawn, sorted.
     */
    public List<String> getLanguages() { return languages; }
    public void setLanguages(List<String> value) { this.languages = value; }

    /**
     * First seen of the last of all its articles.
     */
    public String getLastSeen() { return lastSeen; }
    public void setLastSeen(String value) { this.lastSeen = value; }

    /**
     * The story that this one turned out to be, or that its one article was put into; follow it
     * until a story has none.
     */
    public String getMergedInto() { return mergedInto; }
    public void setMergedInto(String value) { this.mergedInto = value; }

    /**
     * The article that stands for the story.
     */
    public Representative getRepresentative() { return representative; }
    public void setRepresentative(Representative value) { this.representative = value; }

    /**
     * Articles that are not withdrawn, copies included.
     */
    public Long getSize() { return size; }
    public void setSize(Long value) { this.size = value; }

    /**
     * Of the articles that are not withdrawn, sorted.
     */
    public List<String> getSources() { return sources; }
    public void setSources(List<String> value) { this.sources = value; }

    /**
     * Of the representative.
     */
    public String getTitle() { return title; }
    public void setTitle(String value) { this.title = value; }

    /**
     * Ids of the topics that these articles are about, sorted.
     */
    public List<String> getTopics() { return topics; }
    public void setTopics(List<String> value) { this.topics = value; }
}
