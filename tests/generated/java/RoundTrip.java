import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.DeliveryConfigurationsApi;
import org.openapitools.client.api.ListsApi;
import org.openapitools.client.api.ServiceApi;
import org.openapitools.client.model.DeliveryConfig;
import org.openapitools.client.model.DeliveryConfigChanges;
import org.openapitools.client.model.DeliveryConfigCreation;
import org.openapitools.client.model.DeliveryConfigPage;
import org.openapitools.client.model.DeliveryType;
import org.openapitools.client.model.S3Creation;

/** One configuration through its whole life, with the generated client. */
class RoundTrip {
    public static void main(String[] arguments) throws Exception {
        ApiClient client = client(System.getenv("BASE_URL"));
        DeliveryConfigurationsApi configs = new DeliveryConfigurationsApi(client);
        ListsApi lists = new ListsApi(client);
        String tenant = "java-" + UUID.randomUUID();
        check("healthy".equals(new ServiceApi(client).getHealth().getData().getStatus().getValue()), "health");

        S3Creation creation = new S3Creation().tenantId(tenant).type(DeliveryType.S3).bucketName("generated-logs")
            .desiredLogs(List.of("ü"));
        DeliveryConfig created =
            configs.createDeliveryConfig(tenant, new DeliveryConfigCreation(creation), null, null, null).getData();
        check(created.getEnabled() && created.getDesiredLogs().equals(List.of("ü")), "created: " + created);
        check("ROSA/cluster-logs/".equals(created.getBucketPrefix()), "default: " + created);

        check(configs.getDeliveryConfig(tenant, DeliveryType.S3, null, null, null).getData().equals(created), "read");
        check(lists.listTenantDeliveryConfigs(tenant).getData().getConfigurations().equals(List.of(created)), "listed");
        check(walk(lists).contains(created), "listed among all");

        DeliveryConfigChanges paused = new DeliveryConfigChanges().enabled(false);
        check(!configs.patchDeliveryConfig(tenant, DeliveryType.S3, paused, null, null, null, null).getData().getEnabled(), "paused");
        DeliveryConfigChanges moved = new DeliveryConfigChanges().targetRegion("us-west-2");
        DeliveryConfig put = configs.putDeliveryConfig(tenant, DeliveryType.S3, moved, null, null, null, null).getData();
        check("us-west-2".equals(put.getTargetRegion()) && !put.getEnabled(), "moved: " + put);
        check(configs.validateDeliveryConfig(tenant, DeliveryType.S3, false).getData().getValid(), "valid");

        check(configs.deleteDeliveryConfig(tenant, DeliveryType.S3, null, null, null).getMessage().contains(tenant), "deleted");
        try {
            configs.getDeliveryConfig(tenant, DeliveryType.S3, null, null, null);
            check(false, "deleted, but found");
        } catch (ApiException missing) {
            check(missing.getCode() == 404, "missing: " + missing);
        }

        ListsApi odd = new ListsApi(client(System.getenv("ODD_URL")));
        int count = Integer.parseInt(System.getenv("ODD_COUNT"));
        check(odd.listTenantDeliveryConfigs("odd").getData().getConfigurations().size() == count, "odd items");
    }

    private static ApiClient client(String url) {
        ApiClient client = new ApiClient();
        client.updateBaseUri(url);
        client.setRequestInterceptor(new Signing(System.getenv("PSK")));
        return client;
    }

    private static List<DeliveryConfig> walk(ListsApi lists) throws ApiException {
        List<DeliveryConfig> all = new ArrayList<>();
        String lastKey = null;
        do {
            DeliveryConfigPage page = lists.listDeliveryConfigs(1, lastKey, null).getData();
            all.addAll(page.getConfigurations());
            lastKey = page.getLastKey();
        } while (lastKey != null);
        return all;
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
