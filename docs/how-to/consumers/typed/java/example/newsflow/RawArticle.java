// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

import java.util.List;

/**
 * What a fetcher saw of one article at one time. Members beyond these are kept, not
 * refused. A hint that is null counts as absent.
 */
public class RawArticle {
    private String action;
    private String agency;
    private List<String> authors;
    private String canonicalUrl;
    private String content;
    private String contentIs;
    private String contentType;
    private String dataref;
    private String feed;
    private String fetchedAt;
    private String guid;
    private String language;
    private String published;
    private String section;
    private String source;
    private String title;
    private String url;
    private String version;

    /**
     * `withdraw` takes the article back; it then needs no content.
     */
    public String getAction() { return action; }
    public void setAction(String value) { this.action = value; }

    /**
     * Hint: the news agency it was taken from.
     */
    public String getAgency() { return agency; }
    public void setAgency(String value) { this.agency = value; }

    /**
     * Hint: names of the authors.
     */
    public List<String> getAuthors() { return authors; }
    public void setAuthors(List<String> value) { this.authors = value; }

    /**
     * Hint: the URL the publisher calls canonical.
     */
    public String getCanonicalUrl() { return canonicalUrl; }
    public void setCanonicalUrl(String value) { this.canonicalUrl = value; }

    /**
     * The page or text as it was fetched, decoded to Unicode. The size of the whole value is
     * limited, see outcomes.
     */
    public String getContent() { return content; }
    public void setContent(String value) { this.content = value; }

    /**
     * `article`: the content is an article and nothing else, as in a feed, an API or an
     * archive: nothing of it is cut. `page`: there may be menus, teasers and comments around
     * it, which are. Absent or null: it is told from the content.
     */
    public String getContentIs() { return contentIs; }
    public void setContentIs(String value) { this.contentIs = value; }

    /**
     * Media type of `content`: text/html or text/plain. Parameters such as charset are allowed
     * and have no effect.
     */
    public String getContentType() { return contentType; }
    public void setContentType(String value) { this.contentType = value; }

    /**
     * In place of `content`: the blob that holds it, in UTF-8, by its name below `blobs.url`
     * (`sha256/3f/3f7a…`) or its address there. Not read where there is `content`.
     */
    public String getDataref() { return dataref; }
    public void setDataref(String value) { this.dataref = value; }

    /**
     * Hint: the feed it was found in.
     */
    public String getFeed() { return feed; }
    public void setFeed(String value) { this.feed = value; }

    /**
     * When it was fetched. Orders the states of one article.
     */
    public String getFetchedAt() { return fetchedAt; }
    public void setFetchedAt(String value) { this.fetchedAt = value; }

    /**
     * The publisher's own id of the article, unique within the source.
     */
    public String getGuid() { return guid; }
    public void setGuid(String value) { this.guid = value; }

    /**
     * Hint: BCP 47 language tag.
     */
    public String getLanguage() { return language; }
    public void setLanguage(String value) { this.language = value; }

    /**
     * Hint: when it was published, in the publisher's own words.
     */
    public String getPublished() { return published; }
    public void setPublished(String value) { this.published = value; }

    /**
     * Hint: the publisher's section.
     */
    public String getSection() { return section; }
    public void setSection(String value) { this.section = value; }

    /**
     * The registered id of an outlet: lower-case letters, digits, dots, hyphens and
     * underscores, as in barid-sahel.
     */
    public String getSource() { return source; }
    public void setSource(String value) { this.source = value; }

    /**
     * Hint: the title, as a feed gave it.
     */
    public String getTitle() { return title; }
    public void setTitle(String value) { this.title = value; }

    /**
     * Where it was fetched. An absolute http or https URL.
     */
    public String getUrl() { return url; }
    public void setUrl(String value) { this.url = value; }

    /**
     * Hint: the publisher's own version of the article.
     */
    public String getVersion() { return version; }
    public void setVersion(String value) { this.version = value; }
}
