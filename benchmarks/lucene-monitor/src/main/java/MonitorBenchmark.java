import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.apache.lucene.analysis.core.WhitespaceAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.Term;
import org.apache.lucene.monitor.Monitor;
import org.apache.lucene.monitor.MonitorConfiguration;
import org.apache.lucene.monitor.MonitorQuery;
import org.apache.lucene.monitor.MultipassTermFilteredPresearcher;
import org.apache.lucene.monitor.QueryMatch;
import org.apache.lucene.queries.intervals.IntervalQuery;
import org.apache.lucene.queries.intervals.Intervals;
import org.apache.lucene.queries.intervals.IntervalsSource;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.PhraseQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TermQuery;

/**
 * Matches articles against rules with Lucene Monitor and prints one line of JSON with what it took.
 *
 * <p>Arguments: rules (JSON Lines: id, any, all, none, within), articles (JSON Lines: id, text, already folded and
 * cut into tokens with spaces between), a file for the matches, passes over the articles. Time is the CPU time of the one thread that matches.
 */
public final class MonitorBenchmark {
  private static final String FIELD = "text";
  private static final int PRESEARCHER_PASSES = 3;

  public static void main(String[] args) throws IOException {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    List<MonitorQuery> queries = readQueries(Path.of(args[0]));
    List<String[]> articles = readArticles(Path.of(args[1]));
    int passes = Integer.parseInt(args[3]);
    long before = usedBytes();
    long started = threads.getCurrentThreadCpuTime();
    MonitorConfiguration configuration = new MonitorConfiguration();
    try (Monitor monitor =
        new Monitor(
            new WhitespaceAnalyzer(), new MultipassTermFilteredPresearcher(PRESEARCHER_PASSES), configuration)) {
      for (int i = 0; i < queries.size(); i += 5000) {
        monitor.register(queries.subList(i, Math.min(queries.size(), i + 5000)));
      }
      double buildSeconds = (threads.getCurrentThreadCpuTime() - started) / 1e9;
      long bytes = usedBytes() - before;
      double best = Double.MAX_VALUE;
      long matches = 0;
      // The first pass warms the just-in-time compiler up; the best of the others counts.
      for (int pass = 0; pass <= passes; pass++) {
        long start = threads.getCurrentThreadCpuTime();
        matches = 0;
        for (String[] article : articles) {
          matches += match(monitor, article[1]).getMatchCount();
        }
        double seconds = (threads.getCurrentThreadCpuTime() - start) / 1e9;
        if (pass > 0) {
          best = Math.min(best, seconds);
        }
      }
      writeMatches(monitor, articles, Path.of(args[2]));
      System.out.printf(
          "{\"build_cpu_s\": %.3f, \"heap_bytes\": %d, \"articles_per_cpu_s\": %.1f, \"matches\": %d}%n",
          buildSeconds, bytes, articles.size() / best, matches);
    }
  }

  private static org.apache.lucene.monitor.MatchingQueries<QueryMatch> match(Monitor monitor, String text)
      throws IOException {
    Document document = new Document();
    document.add(new TextField(FIELD, text, Field.Store.NO));
    return monitor.match(document, QueryMatch.SIMPLE_MATCHER);
  }

  private static void writeMatches(Monitor monitor, List<String[]> articles, Path file) throws IOException {
    try (PrintWriter out = new PrintWriter(Files.newBufferedWriter(file))) {
      for (String[] article : articles) {
        TreeSet<String> ids = new TreeSet<>();
        for (QueryMatch found : match(monitor, article[1]).getMatches()) {
          ids.add(found.getQueryId());
        }
        out.println(article[0] + "\t" + String.join(" ", ids));
      }
    }
  }

  private static List<MonitorQuery> readQueries(Path file) throws IOException {
    ObjectMapper json = new ObjectMapper();
    List<MonitorQuery> queries = new ArrayList<>();
    try (BufferedReader in = Files.newBufferedReader(file)) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        JsonNode rule = json.readTree(line);
        queries.add(new MonitorQuery(rule.get("id").asText(), query(rule)));
      }
    }
    return queries;
  }

  private static Query query(JsonNode rule) {
    BooleanQuery.Builder all = new BooleanQuery.Builder();
    if (rule.hasNonNull("within")) {
      IntervalsSource pair = Intervals.unorderedNoOverlaps(anyInterval(rule.get("any")), anyInterval(rule.get("all")));
      all.add(new IntervalQuery(FIELD, Intervals.maxgaps(rule.get("within").asInt(), pair)), Occur.MUST);
    } else {
      all.add(anyQuery(rule.get("any")), Occur.MUST);
      all.add(anyQuery(rule.get("all")), Occur.MUST);
    }
    for (JsonNode term : rule.get("none")) {
      all.add(termQuery(term.asText()), Occur.MUST_NOT);
    }
    return all.build();
  }

  private static Query anyQuery(JsonNode terms) {
    BooleanQuery.Builder any = new BooleanQuery.Builder();
    for (JsonNode term : terms) {
      any.add(termQuery(term.asText()), Occur.SHOULD);
    }
    return any.build();
  }

  private static Query termQuery(String text) {
    String[] words = text.split(" ");
    return words.length == 1 ? new TermQuery(new Term(FIELD, text)) : new PhraseQuery(FIELD, words);
  }

  private static IntervalsSource anyInterval(JsonNode terms) {
    List<IntervalsSource> sources = new ArrayList<>();
    for (JsonNode term : terms) {
      String[] words = term.asText().split(" ");
      sources.add(words.length == 1 ? Intervals.term(words[0]) : Intervals.phrase(words));
    }
    return Intervals.or(sources.toArray(new IntervalsSource[0]));
  }

  private static List<String[]> readArticles(Path file) throws IOException {
    ObjectMapper json = new ObjectMapper();
    List<String[]> articles = new ArrayList<>();
    try (BufferedReader in = Files.newBufferedReader(file)) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        JsonNode article = json.readTree(line);
        articles.add(new String[] {article.get("id").asText(), article.get("text").asText()});
      }
    }
    return articles;
  }

  private static long usedBytes() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }

  private MonitorBenchmark() {}
}
