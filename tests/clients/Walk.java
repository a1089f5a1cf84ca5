import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Requests by Java's HttpClient: java Walk.java. The protocol is described in test_walk.py. */
class Walk {
    static final URI LIST = URI.create(System.getenv("BASE_URL") + "/api/v1/delivery-configs");
    static final String[] NAMES = {"limit", "last_key", "note"};

    static String form(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    static String percent(String text) {
        return form(text).replace("+", "%20").replace("*", "%2A").replace("%7E", "~");
    }

    static String query(Map<String, String> parameters, UnaryOperator<String> encode) {
        return parameters.entrySet().stream()
                .map(pair -> encode.apply(pair.getKey()) + "=" + encode.apply(pair.getValue()))
                .collect(Collectors.joining("&"));
    }

    static String signature(String message) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(System.getenv("PSK").getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
        return HexFormat.of().formatHex(mac.doFinal(message.getBytes(StandardCharsets.UTF_8)));
    }

    public static void main(String[] arguments) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] values = line.split("\t", -1);
            Map<String, String> parameters = new LinkedHashMap<>();
            for (int at = 0; at < NAMES.length; at++) {
                if (!values[at + 2].isEmpty()) {
                    parameters.put(NAMES[at], values[at + 2]);
                }
            }
            UnaryOperator<String> encode = values[0].equals("library") ? Walk::form : Walk::percent;
            URI uri = URI.create(LIST + "?" + query(parameters, encode));
            // What is signed: the path and query on the wire, the documented form, or the text before any encoding.
            String signed = LIST.getRawPath() + "?" + switch (values[1]) {
                case "wire" -> uri.getRawQuery();
                case "canonical" -> query(new TreeMap<>(parameters), Walk::percent);
                default -> query(parameters, UnaryOperator.identity());
            };
            String timestamp = Instant.now().toString();
            HttpRequest request = HttpRequest.newBuilder(uri)
                    .header("Authorization", "HMAC-SHA256 " + signature("GET" + signed + timestamp))
                    .header("X-API-Timestamp", timestamp)
                    .build();
            HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
            System.out.println(response.statusCode() + "\t" + response.body());
        }
    }
}
