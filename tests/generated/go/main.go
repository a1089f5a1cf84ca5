// Takes one configuration through its whole life, with the generated client.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"example.invalid/clients/tenantapi"
)

func main() {
	if err := roundTrip(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func client(url string) *tenantapi.APIClient {
	configuration := tenantapi.NewConfiguration()
	configuration.Servers = tenantapi.ServerConfigurations{{URL: url}}
	configuration.HTTPClient = &http.Client{Transport: signing{key: []byte(os.Getenv("PSK"))}}
	return tenantapi.NewAPIClient(configuration)
}

func roundTrip(ctx context.Context) error {
	api := client(os.Getenv("BASE_URL"))
	tenant := fmt.Sprintf("go-%d", time.Now().UnixNano())
	const s3 = tenantapi.S3
	health, _, err := api.ServiceAPI.GetHealth(ctx).Execute()
	if err != nil || health.Data.Status != "healthy" {
		return fmt.Errorf("health: %v %w", health, err)
	}

	creation := tenantapi.NewS3Creation("generated-logs", tenant, s3)
	creation.DesiredLogs = []string{"ü"}
	body := tenantapi.S3CreationAsDeliveryConfigCreation(creation)
	created, _, err := api.DeliveryConfigurationsAPI.CreateDeliveryConfig(ctx, tenant).DeliveryConfigCreation(body).Execute()
	if err != nil || !created.Data.Enabled || created.Data.GetBucketPrefix() != "ROSA/cluster-logs/" || created.Data.DesiredLogs[0] != "ü" {
		return fmt.Errorf("created: %v %w", created, err)
	}

	read, _, err := api.DeliveryConfigurationsAPI.GetDeliveryConfig(ctx, tenant, s3).Execute()
	if err != nil || read.Data.GetBucketName() != "generated-logs" {
		return fmt.Errorf("read: %v %w", read, err)
	}
	list, _, err := api.ListsAPI.ListTenantDeliveryConfigs(ctx, tenant).Execute()
	if err != nil || len(list.Data.Configurations) != 1 {
		return fmt.Errorf("listed: %v %w", list, err)
	}
	if err := walk(ctx, api, tenant); err != nil {
		return err
	}

	changes := tenantapi.NewDeliveryConfigChanges()
	changes.SetEnabled(false)
	paused, _, err := api.DeliveryConfigurationsAPI.PatchDeliveryConfig(ctx, tenant, s3).DeliveryConfigChanges(*changes).Execute()
	if err != nil || paused.Data.Enabled {
		return fmt.Errorf("paused: %v %w", paused, err)
	}
	changes = tenantapi.NewDeliveryConfigChanges()
	changes.SetTargetRegion("us-west-2")
	moved, _, err := api.DeliveryConfigurationsAPI.PutDeliveryConfig(ctx, tenant, s3).DeliveryConfigChanges(*changes).Execute()
	if err != nil || moved.Data.GetTargetRegion() != "us-west-2" || moved.Data.Enabled {
		return fmt.Errorf("moved: %v %w", moved, err)
	}
	changes = tenantapi.NewDeliveryConfigChanges()
	changes.SetTargetRegionNil()
	moved, _, err = api.DeliveryConfigurationsAPI.PatchDeliveryConfig(ctx, tenant, s3).DeliveryConfigChanges(*changes).Execute()
	if err != nil || moved.Data.TargetRegion != nil {
		return fmt.Errorf("cleared: %v %w", moved, err)
	}
	report, _, err := api.DeliveryConfigurationsAPI.ValidateDeliveryConfig(ctx, tenant, s3).Live(false).Execute()
	if err != nil || !report.Data.Valid {
		return fmt.Errorf("validated: %v %w", report, err)
	}

	if _, _, err := api.DeliveryConfigurationsAPI.DeleteDeliveryConfig(ctx, tenant, s3).Execute(); err != nil {
		return fmt.Errorf("deleted: %w", err)
	}
	_, missing, err := api.DeliveryConfigurationsAPI.GetDeliveryConfig(ctx, tenant, s3).Execute()
	if err == nil || missing.StatusCode != http.StatusNotFound {
		return fmt.Errorf("deleted, but found: %w", err)
	}

	odd, _, err := client(os.Getenv("ODD_URL")).ListsAPI.ListTenantDeliveryConfigs(ctx, "odd").Execute()
	if err != nil || strconv.Itoa(len(odd.Data.Configurations)) != os.Getenv("ODD_COUNT") {
		return fmt.Errorf("odd items: %v %w", odd, err)
	}
	return nil
}

func walk(ctx context.Context, api *tenantapi.APIClient, tenant string) error {
	found := false
	for request := api.ListsAPI.ListDeliveryConfigs(ctx).Limit(1); ; {
		page, _, err := request.Execute()
		if err != nil {
			return fmt.Errorf("page: %w", err)
		}
		for _, config := range page.Data.Configurations {
			found = found || config.TenantId == tenant
		}
		if page.Data.LastKey == nil {
			break
		}
		request = request.LastKey(*page.Data.LastKey)
	}
	if !found {
		return fmt.Errorf("%s is not among all", tenant)
	}
	return nil
}
