// Java's HttpClient with HTTP/1.1, HTTP/2 and a WebSocket; it knows no proxy variables. Sections as in curl.sh.
// Not expectContinue: JDK 17 hangs on a 100 over HTTP/1.1 with a direct way too.
import java.net.URI;
import java.net.http.*;
import java.util.*;
import java.util.concurrent.*;

public class Client {
  static void show(String name, HttpResponse<byte[]> answer) {
    System.out.println("== " + name);
    TreeMap<String, List<String>> kept = new TreeMap<>(answer.headers().map());
    for (String hop : List.of("connection", "keep-alive", "transfer-encoding")) kept.remove(hop);
    System.out.println(answer.version() + " " + answer.statusCode() + " " + kept);
    byte[] body = answer.body();
    System.out.println(body.length < 5000 ? new String(body) : body.length + " " + Arrays.hashCode(body));
  }

  static HttpRequest.Builder at(String url) { return HttpRequest.newBuilder(URI.create(url)); }

  static void heard(String what, Object value) {
    System.out.println("== " + what);
    System.out.println(value);
  }

  static void socket(HttpClient client) throws Exception {
    BlockingQueue<String> messages = new LinkedBlockingQueue<>();
    WebSocket socket = client.newWebSocketBuilder().buildAsync(
        URI.create("wss://h1.matrix.test/socket"), new WebSocket.Listener() {
          public CompletionStage<?> onText(WebSocket s, CharSequence text, boolean last) {
            messages.add(text.toString());
            s.request(1);
            return null;
          }
        }).get(30, TimeUnit.SECONDS);
    socket.sendText("from java", true).get(30, TimeUnit.SECONDS);
    heard("Java WebSocket", messages.poll(30, TimeUnit.SECONDS));
    socket.abort();
  }

  public static void main(String[] arguments) throws Exception {
    var bytes = HttpResponse.BodyHandlers.ofByteArray();
    for (HttpClient.Version version : HttpClient.Version.values()) {
      HttpClient client = HttpClient.newBuilder().version(version)
          .followRedirects(HttpClient.Redirect.NORMAL).build();
      List<String> names = version == HttpClient.Version.HTTP_2 ? List.of("h1", "h2", "api") : List.of("h1", "api");
      for (String name : names) {
        String label = " " + version + " " + name, origin = "https://" + name + ".matrix.test";
        show("Java GET" + label, client.send(at(origin + "/echo?j=1").build(), bytes));
        show("Java POST" + label, client.send(at(origin + "/echo")
            .POST(HttpRequest.BodyPublishers.ofString("z".repeat(150000))).build(), bytes));
        show("Java large" + label, client.send(at(origin + "/big?bytes=2000000").build(), bytes));
        show("Java redirect" + label, client.send(at(origin + "/redirect").build(), bytes));
        show("Java events" + label, client.send(at(origin + "/events?n=3").build(), bytes));
      }
      if (version == HttpClient.Version.HTTP_1_1) socket(client);
    }
    System.out.println("== end");
  }
}
