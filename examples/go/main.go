// A client of the Tenant Management API in Go's standard library (client.go, worth copying) and a walk through every route:
//
//	BASE_URL=http://127.0.0.1:8000 PSK=... go run .
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	log.SetFlags(0)
	baseURL, psk := os.Getenv("BASE_URL"), os.Getenv("PSK")
	if baseURL == "" || psk == "" {
		log.Fatal("set BASE_URL and PSK; see the top of main.go")
	}
	pageSize, err := strconv.Atoi(os.Getenv("PAGE_SIZE"))
	if err != nil {
		pageSize = 50
	}
	if err := walk(context.Background(), NewClient(baseURL, psk), pageSize); err != nil {
		log.Fatal(err)
	}
}

func walk(ctx context.Context, api *Client, pageSize int) (err error) {
	suffix := make([]byte, 4)
	if _, err := rand.Read(suffix); err != nil {
		return err
	}
	tenant := "example-" + hex.EncodeToString(suffix) // a tenant of its own, so that the example can run again and again

	health, err := api.Health(ctx)
	if err != nil {
		return err
	}
	fmt.Println("health:", health)

	for _, config := range []Config{
		{
			TenantID:               tenant,
			Type:                   "cloudwatch",
			LogDistributionRoleARN: "arn:aws:iam::123456789012:role/LogDistributionRole",
			LogGroupName:           "/aws/logs/" + tenant,
			TargetRegion:           "us-east-1",
			DesiredLogs:            []string{"payment-service", "user-service"},
			Labels:                 map[string]string{"env": "production", "team": "payments"},
		},
		{TenantID: tenant, Type: "s3", BucketName: tenant + "-logs"},
	} {
		stored, err := api.Create(ctx, config)
		if err != nil {
			return err
		}
		fmt.Println("created:", stored.Type, "at", stored.CreatedAt, "enabled:", *stored.Enabled)
		defer func(deliveryType string) {
			failed := api.Delete(ctx, tenant, deliveryType, "")
			fmt.Println("deleted:", deliveryType, failed == nil)
			if err == nil {
				err = failed
			}
		}(config.Type)
	}

	configs, err := api.ListTenant(ctx, tenant)
	if err != nil {
		return err
	}
	fmt.Println("of this tenant:", len(configs))

	ours, lastKey := 0, ""
	for {
		page, err := api.ListAll(ctx, pageSize, lastKey)
		if err != nil {
			return err
		}
		for _, config := range page.Configurations {
			if config.TenantID == tenant {
				ours++
			}
		}
		if lastKey = page.LastKey; lastKey == "" {
			break
		}
	}
	fmt.Println("of this tenant, among all:", ours)

	found, lastKey := 0, ""
	for {
		page, err := api.Search(ctx, fmt.Sprintf("account = 123456789012 AND tenant_id = %q", tenant), pageSize, lastKey)
		if err != nil {
			return err
		}
		found += len(page.Configurations)
		if lastKey = page.LastKey; lastKey == "" {
			break
		}
	}
	fmt.Println("of this tenant, to that account:", found)

	return change(ctx, api, tenant)
}

func change(ctx context.Context, api *Client, tenant string) error {
	config, etag, err := api.Get(ctx, tenant, "cloudwatch")
	if err != nil {
		return err
	}
	fmt.Println("got:", config.LogGroupName, "version", etag)

	config, err = api.Patch(ctx, tenant, "cloudwatch", Changes{"enabled": false}, etag)
	if err != nil {
		return err
	}
	fmt.Println("disabled:", !*config.Enabled)

	labels := map[string]any{"team": "platform", "env": nil}
	config, err = api.Patch(ctx, tenant, "cloudwatch", Changes{"labels": labels}, "")
	if err != nil {
		return err
	}
	fmt.Println("labels:", config.Labels)

	config, err = api.Put(ctx, tenant, "cloudwatch", Changes{"target_region": "us-west-2"}, "")
	if err != nil {
		return err
	}
	fmt.Println("moved to:", config.TargetRegion, "- still disabled:", !*config.Enabled)

	validation, err := api.Validate(ctx, tenant, "cloudwatch")
	if err != nil {
		return err
	}
	fmt.Println("valid:", validation.Valid)

	var history []Revision
	// A change is in the history a moment later.
	for len(history) < 4 {
		time.Sleep(100 * time.Millisecond)
		history = nil
		for cursor := ""; ; {
			page, err := api.History(ctx, tenant, "cloudwatch", 2, cursor)
			if err != nil {
				return err
			}
			history = append(history, page.Revisions...)
			if cursor = page.Cursor; cursor == "" {
				break
			}
		}
	}
	for _, revision := range history {
		fmt.Println("history:", revision.Event, "by", revision.Actor.Kind)
	}
	config, err = api.Restore(ctx, tenant, "cloudwatch", history[0].Revision, Changes{"labels": nil}, "")
	if err != nil {
		return err
	}
	fmt.Println("restored:", config.TargetRegion, "enabled:", *config.Enabled, "labels:", config.Labels)

	// Disabled, since nobody receives its events; a real one is enabled.
	webhook, err := api.CreateWebhook(ctx, tenant, Webhook{
		URL: "https://hooks.example.com/", Events: []string{"delivery_config.deleted"}, Enabled: false,
	})
	if err != nil {
		return err
	}
	fmt.Println("webhook:", webhook.Status, "with a secret:", strings.HasPrefix(webhook.Secret, "whsec_"))
	if err := api.DeleteWebhook(ctx, tenant, webhook.ID); err != nil {
		return err
	}

	// Errors: somebody else was faster; two broken rules, reported together.
	_, err = api.Patch(ctx, tenant, "cloudwatch", Changes{"enabled": true}, etag)
	fmt.Println("rejected:", err)
	_, err = api.Patch(ctx, tenant, "s3", Changes{"bucket_name": "No Such Bucket", "enable": true}, "")
	var apiError *Error
	if !errors.As(err, &apiError) || len(apiError.Broken) != 2 {
		return fmt.Errorf("the API took two mistakes for something else: %w", err)
	}
	fmt.Println("rejected:", apiError)
	return nil
}
