package main

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// main.go is the client that the first description of this service shows, word for word but for where BASE_URL and PSK
// come from. These tests hold the service to it; they never change the client.

func client(t *testing.T) *TenantClient {
	t.Helper()
	if os.Getenv("BASE_URL") == "" || os.Getenv("PSK") == "" {
		t.Skip("BASE_URL and PSK are not set")
	}
	return NewTenantClient(os.Getenv("BASE_URL"), os.Getenv("PSK"))
}

// create stores an S3 configuration of a tenant that nobody else uses, and removes it when the test ends.
func create(t *testing.T, c *TenantClient, enabled *bool) (tenant string) {
	t.Helper()
	tenant = fmt.Sprintf("seed-go-%d", time.Now().UnixNano())
	_, err := c.CreateDeliveryConfig(DeliveryConfigCreateRequest{
		TenantID: tenant, Type: "s3", BucketName: tenant + "-logs", Enabled: enabled,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.DeleteDeliveryConfig(tenant, "s3") })
	return tenant
}

func data(t *testing.T, response *APIResponse, err error) map[string]interface{} {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return response.Data.(map[string]interface{})
}

func TestHealthNeedsNoSignature(t *testing.T) {
	response, err := client(t).Health()
	if data(t, response, err)["status"] != "healthy" {
		t.Errorf("not healthy: %v", response.Data)
	}
}

func TestPutWithOmittedEnabledLeavesADisabledDeliveryDisabled(t *testing.T) {
	c := client(t)
	off := false
	tenant := create(t, c, &off)
	response, err := c.UpdateDeliveryConfig(tenant, "s3", DeliveryConfigCreateRequest{TargetRegion: "us-west-2"})
	config := data(t, response, err)
	if config["enabled"] != false || config["target_region"] != "us-west-2" {
		t.Errorf("PUT gave %v", config)
	}
}

func TestPutTakesTheEmptyTenantAndTypeThatTheClientSends(t *testing.T) {
	c := client(t)
	tenant := create(t, c, nil)
	response, err := c.UpdateDeliveryConfig(tenant, "s3", DeliveryConfigCreateRequest{BucketPrefix: "other/"})
	if data(t, response, err)["bucket_prefix"] != "other/" {
		t.Errorf("PUT gave %v", response.Data)
	}
}

func TestPatchSwitchesDeliveryOff(t *testing.T) {
	c := client(t)
	tenant := create(t, c, nil)
	response, err := c.PatchDeliveryConfig(tenant, "s3", map[string]interface{}{"enabled": false})
	if data(t, response, err)["enabled"] != false {
		t.Errorf("PATCH gave %v", response.Data)
	}
}

func TestSecondCreateReturns409(t *testing.T) {
	c := client(t)
	tenant := create(t, c, nil)
	_, err := c.CreateDeliveryConfig(DeliveryConfigCreateRequest{TenantID: tenant, Type: "s3", BucketName: "other-logs"})
	if err == nil || !strings.HasPrefix(err.Error(), "API error (status 409): ") {
		t.Errorf("got %v", err)
	}
}

func TestPagesAreWalkedWithTheKeyEncodedByTheCaller(t *testing.T) {
	c := client(t)
	tenants := map[string]bool{create(t, c, nil): false, create(t, c, nil): false, create(t, c, nil): false}
	for lastKey, more := "", true; more; {
		response, err := c.ListAllDeliveryConfigs(2, url.QueryEscape(lastKey))
		page := data(t, response, err)
		for _, config := range page["configurations"].([]interface{}) {
			tenant := config.(map[string]interface{})["tenant_id"].(string)
			if seen, ours := tenants[tenant]; ours && seen {
				t.Errorf("%s came twice", tenant)
			} else if ours {
				tenants[tenant] = true
			}
		}
		lastKey, more = page["last_key"].(string)
	}
	for tenant, seen := range tenants {
		if !seen {
			t.Errorf("%s never came", tenant)
		}
	}
}

func TestValidateReportsAValidConfiguration(t *testing.T) {
	c := client(t)
	tenant := create(t, c, nil)
	response, err := c.ValidateDeliveryConfig(tenant, "s3")
	if data(t, response, err)["valid"] != true {
		t.Errorf("validate gave %v", response.Data)
	}
}

func TestDeleteSaysWhatItDeletedAndThenItIsGone(t *testing.T) {
	c := client(t)
	tenant := create(t, c, nil)
	response, err := c.DeleteDeliveryConfig(tenant, "s3")
	if err != nil || !strings.Contains(response.Message, tenant) {
		t.Errorf("DELETE gave %v, %v", response, err)
	}
	if _, err := c.GetDeliveryConfig(tenant, "s3"); err == nil || !strings.Contains(err.Error(), "status 404") {
		t.Errorf("GET after DELETE gave %v", err)
	}
}
