import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Signs every request of the generated client. An interceptor for ApiClient.setRequestInterceptor. */
record Signing(String key) implements Consumer<HttpRequest.Builder> {
    @Override
    public void accept(HttpRequest.Builder builder) {
        HttpRequest request = builder.copy().build();
        try {
            byte[] body = bytes(request);
            String digest = body.length == 0 ? "" : hex(MessageDigest.getInstance("SHA-256").digest(body));
            String timestamp = Instant.now().toString();
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
            String message = request.method() + canonical(request.uri()) + timestamp + digest;
            String signature = hex(mac.doFinal(message.getBytes(StandardCharsets.UTF_8)));
            builder.setHeader("Authorization", "HMAC-SHA256 " + signature).setHeader("X-API-Timestamp", timestamp);
            if (!digest.isEmpty()) {
                builder.setHeader("X-Body-SHA256", digest);
            }
        } catch (GeneralSecurityException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static String canonical(URI uri) {
        if (uri.getRawQuery() == null) {
            return uri.getRawPath();
        }
        String query = Arrays.stream(uri.getRawQuery().split("&")).map(Signing::encoded).sorted()
            .collect(Collectors.joining("&"));
        return uri.getRawPath() + "?" + query;
    }

    private static String encoded(String pair) {
        String[] parts = pair.split("=", 2);
        return encode(parts[0]) + "=" + encode(parts.length > 1 ? parts[1] : "");
    }

    private static String encode(String part) {
        String text = URLDecoder.decode(part, StandardCharsets.UTF_8);
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20").replace("*", "%2A").replace("%7E", "~");
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    /** The body, which the generated client sends from memory. */
    private static byte[] bytes(HttpRequest request) {
        HttpRequest.BodyPublisher publisher = request.bodyPublisher().orElseGet(HttpRequest.BodyPublishers::noBody);
        CompletableFuture<byte[]> body = new CompletableFuture<>();
        publisher.subscribe(new Flow.Subscriber<>() {
            private final java.io.ByteArrayOutputStream collected = new java.io.ByteArrayOutputStream();

            @Override
            public void onSubscribe(Flow.Subscription subscription) {
                subscription.request(Long.MAX_VALUE);
            }

            @Override
            public void onNext(ByteBuffer buffer) {
                byte[] part = new byte[buffer.remaining()];
                buffer.get(part);
                collected.writeBytes(part);
            }

            @Override
            public void onError(Throwable error) {
                body.completeExceptionally(error);
            }

            @Override
            public void onComplete() {
                body.complete(collected.toByteArray());
            }
        });
        return body.join();
    }
}
