import org.codelibs.opensearch.runner.OpenSearchRunner;

/** One OpenSearch node on loopback, until it is killed. Arguments: folder, HTTP port, transport port. */
public class Node {
    public static void main(String[] arguments) throws Exception {
        new OpenSearchRunner().onBuild((number, settings) -> {
            settings.put("discovery.type", "single-node");
            settings.put("network.host", "127.0.0.1");
            settings.put("http.port", arguments[1]);
            settings.put("transport.port", arguments[2]);
            // A full disk of the machine is none of the tests' business.
            settings.put("cluster.routing.allocation.disk.threshold_enabled", false);
        // Port 0: the runner would only take one up to 9299; what is set above holds.
        }).build(OpenSearchRunner.newConfigs().basePath(arguments[0]).numOfNode(1)
            .clusterName("newsflow-tests").baseHttpPort(0));
        Thread.sleep(Long.MAX_VALUE);
    }
}
