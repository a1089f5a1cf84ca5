// One configuration through its whole life, with the generated client.
import { deepStrictEqual as assertEqual, ok as assert, rejects as assertRejects } from "node:assert";
import { randomUUID } from "node:crypto";
import {
  Configuration,
  DeliveryConfigurationsApi,
  DeliveryType,
  ListsApi,
  ResponseError,
  ServiceApi,
  type DeliveryConfig,
} from "./client/index.js";
import { signing } from "./signing.js";

const environment = (name: string): string => process.env[name] ?? "";
const configuration = (url: string) =>
  new Configuration({ basePath: environment(url), middleware: [signing(environment("PSK"))] });

async function walk(lists: ListsApi): Promise<DeliveryConfig[]> {
  const all: DeliveryConfig[] = [];
  let lastKey: string | undefined;
  do {
    const { data } = await lists.listDeliveryConfigs({ limit: 1, lastKey });
    all.push(...data.configurations);
    lastKey = data.lastKey;
  } while (lastKey !== undefined);
  return all;
}

async function main() {
  const configs = new DeliveryConfigurationsApi(configuration("BASE_URL"));
  const lists = new ListsApi(configuration("BASE_URL"));
  const tenantId = `typescript-${randomUUID()}`;
  const key = { tenantId, type: DeliveryType.S3 };
  assertEqual((await new ServiceApi(configuration("BASE_URL")).getHealth()).data.status, "healthy");

  const deliveryConfigCreation = { ...key, bucketName: "generated-logs", desiredLogs: ["ü"] };
  const { data: created } = await configs.createDeliveryConfig({ tenantId, deliveryConfigCreation });
  assertEqual([created.enabled, created.bucketPrefix, created.desiredLogs], [true, "ROSA/cluster-logs/", ["ü"]]);

  assertEqual((await configs.getDeliveryConfig(key)).data, created);
  assertEqual((await lists.listTenantDeliveryConfigs({ tenantId })).data.configurations, [created]);
  assert((await walk(lists)).some((config) => config.tenantId === tenantId));

  const paused = await configs.patchDeliveryConfig({ ...key, deliveryConfigChanges: { enabled: false } });
  assertEqual(paused.data.enabled, false);
  const deliveryConfigChanges = { targetRegion: "us-west-2", desiredLogs: null };
  const { data: moved } = await configs.putDeliveryConfig({ ...key, deliveryConfigChanges });
  assertEqual([moved.targetRegion, moved.enabled, moved.desiredLogs], ["us-west-2", false, undefined]);
  assert((await configs.validateDeliveryConfig({ ...key, live: false })).data.valid);

  assert((await configs.deleteDeliveryConfig(key)).message.includes(tenantId));
  const missing = (error: unknown) => error instanceof ResponseError && error.response.status === 404;
  await assertRejects(configs.getDeliveryConfig(key), missing);

  const odd = await new ListsApi(configuration("ODD_URL")).listTenantDeliveryConfigs({ tenantId: "odd" });
  assertEqual(odd.data.configurations.length, Number(environment("ODD_COUNT")));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
