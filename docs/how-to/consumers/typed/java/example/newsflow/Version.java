// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package example.newsflow;

import java.io.IOException;

/**
 * Hint: the publisher's own version of the article.
 */
public class Version {
    public Long integerValue;
    public String stringValue;
}
