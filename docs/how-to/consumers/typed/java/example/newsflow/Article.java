// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

import java.util.List;
import java.util.Map;

/**
 * One version of an article, normalised and tagged. Names after IPTC ninjs where one
 * exists. Offsets count Unicode code points of the named field.
 */
public class Article {
    private String action;
    private String agency;
    private List<String> authors;
    private String body;
    private String contentHash;
    private ArticlePlace dateline;
    private String duplicateOf;
    private String firstSeen;
    private String guid;
    private String id;
    private String language;
    private List<ArticleMention> mentions;
    private ArticleOrigin origin;
    private List<ArticlePlace> places;
    private ArticlePublished published;
    private Map<String, Object> raw;
    private String source;
    private String story;
    private Long storySize;
    private String title;
    private List<ArticleTopic> topics;
    private String url;
    private long version;
    private long wordCount;

    /**
     * What the reader is to do: take a new article, replace the one with this id, or take it
     * down.
     */
    public String getAction() { return action; }
    public void setAction(String value) { this.action = value; }

    /**
     * The news agency it was taken from.
     */
    public String getAgency() { return agency; }
    public void setAgency(String value) { this.agency = value; }

    /**
     * Names as the publisher gave them.
     */
    public List<String> getAuthors() { return authors; }
    public void setAuthors(List<String> value) { this.authors = value; }

    /**
     * Plain text, NFC, one paragraph a line. No navigation, captions or footers.
     */
    public String getBody() { return body; }
    public void setBody(String value) { this.body = value; }

    /**
     * Digest of the folded text: equal for equal texts.
     */
    public String getContentHash() { return contentHash; }
    public void setContentHash(String value) { this.contentHash = value; }

    /**
     * The place that its dateline names, where one does. Among `places` only where it is named
     * again.
     */
    public ArticlePlace getDateline() { return dateline; }
    public void setDateline(ArticlePlace value) { this.dateline = value; }

    /**
     * Id of the article that says (nearly) the same, where a copy is emitted after all.
     */
    public String getDuplicateOf() { return duplicateOf; }
    public void setDuplicateOf(String value) { this.duplicateOf = value; }

    /**
     * When the article was first seen: the time at which its first version was fetched, but not
     * after its raw record was written.
     */
    public String getFirstSeen() { return firstSeen; }
    public void setFirstSeen(String value) { this.firstSeen = value; }

    /**
     * The publisher's id.
     */
    public String getGuid() { return guid; }
    public void setGuid(String value) { this.guid = value; }

    /**
     * The article's id, the same for all its versions.
     */
    public String getId() { return id; }
    public void setId(String value) { this.id = value; }

    /**
     * BCP 47 tag; `und` when unsure.
     */
    public String getLanguage() { return language; }
    public void setLanguage(String value) { this.language = value; }

    /**
     * What was seen in it, but is not what it is about.
     */
    public List<ArticleMention> getMentions() { return mentions; }
    public void setMentions(List<ArticleMention> value) { this.mentions = value; }

    public ArticleOrigin getOrigin() { return origin; }
    public void setOrigin(ArticleOrigin value) { this.origin = value; }

    /**
     * Cities, states and provinces that it names, in the order in which they are first named;
     * of those whose countries are among its topics and mentions. Not there where it names
     * none, and in articles of release 0.1.
     */
    public List<ArticlePlace> getPlaces() { return places; }
    public void setPlaces(List<ArticlePlace> value) { this.places = value; }

    public ArticlePublished getPublished() { return published; }
    public void setPublished(ArticlePublished value) { this.published = value; }

    /**
     * What the publisher sent beyond the contract, as it came.
     */
    public Map<String, Object> getRaw() { return raw; }
    public void setRaw(Map<String, Object> value) { this.raw = value; }

    /**
     * The registered id of an outlet: lower-case letters, digits, dots, hyphens and
     * underscores, as in barid-sahel.
     */
    public String getSource() { return source; }
    public void setSource(String value) { this.source = value; }

    /**
     * Id of the story the article belongs to.
     */
    public String getStory() { return story; }
    public void setStory(String value) { this.story = value; }

    /**
     * Articles of the story when this version was decided: this one and copies counted,
     * withdrawn ones not.
     */
    public Long getStorySize() { return storySize; }
    public void setStorySize(Long value) { this.storySize = value; }

    /**
     * Plain text, NFC, one line.
     */
    public String getTitle() { return title; }
    public void setTitle(String value) { this.title = value; }

    /**
     * What the article is about, the strongest first.
     */
    public List<ArticleTopic> getTopics() { return topics; }
    public void setTopics(List<ArticleTopic> value) { this.topics = value; }

    /**
     * Its address: the canonical URL, with the scheme and the www. it came with.
     */
    public String getUrl() { return url; }
    public void setUrl(String value) { this.url = value; }

    /**
     * Counts the states of this article, from 1: another text, or other tags of the same text.
     */
    public long getVersion() { return version; }
    public void setVersion(long value) { this.version = value; }

    /**
     * Words of the body.
     */
    public long getWordCount() { return wordCount; }
    public void setWordCount(long value) { this.wordCount = value; }
}
