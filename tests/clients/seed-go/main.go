package main

import (
    "bytes"
    "crypto/hmac"
    "crypto/sha256"
    "encoding/hex"
    "encoding/json"
    "fmt"
    "io"
    "net/http"
    "os"
    "time"
)

// CloudWatchDeliveryConfig represents a CloudWatch delivery configuration
type CloudWatchDeliveryConfig struct {
    TenantID               string   `json:"tenant_id"`
    Type                   string   `json:"type"`
    LogDistributionRoleArn string   `json:"log_distribution_role_arn"`
    LogGroupName           string   `json:"log_group_name"`
    TargetRegion           string   `json:"target_region,omitempty"`
    Enabled                *bool    `json:"enabled,omitempty"`
    DesiredLogs            []string `json:"desired_logs,omitempty"`
    TTL                    *int64   `json:"ttl,omitempty"`
    CreatedAt              string   `json:"created_at,omitempty"`
    UpdatedAt              string   `json:"updated_at,omitempty"`
}

// S3DeliveryConfig represents an S3 delivery configuration
type S3DeliveryConfig struct {
    TenantID     string   `json:"tenant_id"`
    Type         string   `json:"type"`
    BucketName   string   `json:"bucket_name"`
    BucketPrefix string   `json:"bucket_prefix,omitempty"`
    TargetRegion string   `json:"target_region,omitempty"`
    Enabled      *bool    `json:"enabled,omitempty"`
    DesiredLogs  []string `json:"desired_logs,omitempty"`
    TTL          *int64   `json:"ttl,omitempty"`
    CreatedAt    string   `json:"created_at,omitempty"`
    UpdatedAt    string   `json:"updated_at,omitempty"`
}

// DeliveryConfigCreateRequest represents a request to create a delivery configuration
type DeliveryConfigCreateRequest struct {
    TenantID     string   `json:"tenant_id"`
    Type         string   `json:"type"` // "cloudwatch" or "s3"
    Enabled      *bool    `json:"enabled,omitempty"`
    DesiredLogs  []string `json:"desired_logs,omitempty"`
    TargetRegion string   `json:"target_region,omitempty"`
    TTL          *int64   `json:"ttl,omitempty"`
    
    // CloudWatch-specific fields
    LogDistributionRoleArn string `json:"log_distribution_role_arn,omitempty"`
    LogGroupName           string `json:"log_group_name,omitempty"`
    
    // S3-specific fields
    BucketName   string `json:"bucket_name,omitempty"`
    BucketPrefix string `json:"bucket_prefix,omitempty"`
}

// APIResponse represents the standard API response format
type APIResponse struct {
    Timestamp string      `json:"timestamp"`
    Status    string      `json:"status"`
    Data      interface{} `json:"data,omitempty"`
    Message   string      `json:"message,omitempty"`
    Error     string      `json:"error,omitempty"`
    Details   interface{} `json:"details,omitempty"`
}

// TenantClient handles authenticated requests to the tenant management API
type TenantClient struct {
    BaseURL    string
    PSK        string
    HTTPClient *http.Client
}

// NewTenantClient creates a new tenant management API client
func NewTenantClient(baseURL, psk string) *TenantClient {
    return &TenantClient{
        BaseURL: baseURL,
        PSK:     psk,
        HTTPClient: &http.Client{
            Timeout: 30 * time.Second,
        },
    }
}

// generateSignature creates HMAC-SHA256 signature for request authentication
func (c *TenantClient) generateSignature(method, uri, timestamp string) string {
    message := method + uri + timestamp
    h := hmac.New(sha256.New, []byte(c.PSK))
    h.Write([]byte(message))
    signature := hex.EncodeToString(h.Sum(nil))
    return signature
}

// signRequest adds authentication headers to the request
func (c *TenantClient) signRequest(req *http.Request, body string) {
    timestamp := time.Now().UTC().Format("2006-01-02T15:04:05Z")
    signature := c.generateSignature(req.Method, req.URL.RequestURI(), timestamp)
    
    req.Header.Set("Authorization", "HMAC-SHA256 "+signature)
    req.Header.Set("X-API-Timestamp", timestamp)
    req.Header.Set("Content-Type", "application/json")
}

// doRequest performs an authenticated HTTP request
func (c *TenantClient) doRequest(method, path, body string) (*APIResponse, error) {
    url := c.BaseURL + path
    
    req, err := http.NewRequest(method, url, bytes.NewBufferString(body))
    if err != nil {
        return nil, fmt.Errorf("failed to create request: %w", err)
    }
    
    // Add authentication headers (skip for health endpoint)
    if path != "/health" {
        c.signRequest(req, body)
    }
    
    resp, err := c.HTTPClient.Do(req)
    if err != nil {
        return nil, fmt.Errorf("request failed: %w", err)
    }
    defer resp.Body.Close()
    
    respBody, err := io.ReadAll(resp.Body)
    if err != nil {
        return nil, fmt.Errorf("failed to read response: %w", err)
    }
    
    var apiResp APIResponse
    if err := json.Unmarshal(respBody, &apiResp); err != nil {
        return nil, fmt.Errorf("failed to parse response: %w", err)
    }
    
    if resp.StatusCode >= 400 {
        return &apiResp, fmt.Errorf("API error (status %d): %s", resp.StatusCode, apiResp.Error)
    }
    
    return &apiResp, nil
}

// Health checks the API health status (no authentication required)
func (c *TenantClient) Health() (*APIResponse, error) {
    return c.doRequest("GET", "/health", "")
}

// ListAllDeliveryConfigs retrieves a paginated list of all delivery configurations
func (c *TenantClient) ListAllDeliveryConfigs(limit int, lastKey string) (*APIResponse, error) {
    path := fmt.Sprintf("/api/v1/delivery-configs?limit=%d", limit)
    if lastKey != "" {
        path += "&last_key=" + lastKey
    }
    return c.doRequest("GET", path, "")
}

// ListTenantDeliveryConfigs retrieves all delivery configurations for a specific tenant
func (c *TenantClient) ListTenantDeliveryConfigs(tenantID string) (*APIResponse, error) {
    path := fmt.Sprintf("/api/v1/tenants/%s/delivery-configs", tenantID)
    return c.doRequest("GET", path, "")
}

// GetDeliveryConfig retrieves a specific delivery configuration
func (c *TenantClient) GetDeliveryConfig(tenantID, deliveryType string) (*APIResponse, error) {
    path := fmt.Sprintf("/api/v1/tenants/%s/delivery-configs/%s", tenantID, deliveryType)
    return c.doRequest("GET", path, "")
}

// CreateDeliveryConfig creates a new delivery configuration
func (c *TenantClient) CreateDeliveryConfig(config DeliveryConfigCreateRequest) (*APIResponse, error) {
    body, err := json.Marshal(config)
    if err != nil {
        return nil, fmt.Errorf("failed to marshal config: %w", err)
    }
    path := fmt.Sprintf("/api/v1/tenants/%s/delivery-configs", config.TenantID)
    return c.doRequest("POST", path, string(body))
}

// UpdateDeliveryConfig updates an existing delivery configuration
func (c *TenantClient) UpdateDeliveryConfig(tenantID, deliveryType string, config DeliveryConfigCreateRequest) (*APIResponse, error) {
    body, err := json.Marshal(config)
    if err != nil {
        return nil, fmt.Errorf("failed to marshal config: %w", err)
    }
    path := fmt.Sprintf("/api/v1/tenants/%s/delivery-configs/%s", tenantID, deliveryType)
    return c.doRequest("PUT", path, string(body))
}

// PatchDeliveryConfig performs a partial update (e.g., enable/disable)
func (c *TenantClient) PatchDeliveryConfig(tenantID, deliveryType string, updates map[string]interface{}) (*APIResponse, error) {
    body, err := json.Marshal(updates)
    if err != nil {
        return nil, fmt.Errorf("failed to marshal updates: %w", err)
    }
    path := fmt.Sprintf("/api/v1/tenants/%s/delivery-configs/%s", tenantID, deliveryType)
    return c.doRequest("PATCH", path, string(body))
}

// DeleteDeliveryConfig removes a delivery configuration
func (c *TenantClient) DeleteDeliveryConfig(tenantID, deliveryType string) (*APIResponse, error) {
    path := fmt.Sprintf("/api/v1/tenants/%s/delivery-configs/%s", tenantID, deliveryType)
    return c.doRequest("DELETE", path, "")
}

// ValidateDeliveryConfig validates delivery configuration and IAM permissions
func (c *TenantClient) ValidateDeliveryConfig(tenantID, deliveryType string) (*APIResponse, error) {
    path := fmt.Sprintf("/api/v1/tenants/%s/delivery-configs/%s/validate", tenantID, deliveryType)
    return c.doRequest("GET", path, "")
}

// Example usage
func main() {
    // Initialize client
    client := NewTenantClient(
        os.Getenv("BASE_URL"),
        os.Getenv("PSK"),
    )
    
    // Health check (no authentication)
    if health, err := client.Health(); err != nil {
        fmt.Printf("Health check failed: %v\n", err)
    } else {
        fmt.Printf("Health: %s\n", health.Status)
    }
    
    // Create CloudWatch delivery configuration
    enabled := true
    cloudwatchConfig := DeliveryConfigCreateRequest{
        TenantID:               "example-corp",
        Type:                   "cloudwatch",
        LogDistributionRoleArn: "arn:aws:iam::123456789012:role/LogDistributionRole",
        LogGroupName:           "/aws/logs/example-corp",
        TargetRegion:           "us-east-1",
        Enabled:                &enabled,
        DesiredLogs:            []string{"api-service", "payment-service"},
    }
    
    if resp, err := client.CreateDeliveryConfig(cloudwatchConfig); err != nil {
        fmt.Printf("Create CloudWatch config failed: %v\n", err)
    } else {
        fmt.Printf("Created CloudWatch config: %s\n", resp.Message)
    }
    
    // Create S3 delivery configuration
    s3Config := DeliveryConfigCreateRequest{
        TenantID:     "example-corp",
        Type:         "s3",
        BucketName:   "example-corp-logs",
        BucketPrefix: "ROSA/cluster-logs/",
        TargetRegion: "us-east-1",
        Enabled:      &enabled,
        DesiredLogs:  []string{"api-service", "payment-service"},
    }
    
    if resp, err := client.CreateDeliveryConfig(s3Config); err != nil {
        fmt.Printf("Create S3 config failed: %v\n", err)
    } else {
        fmt.Printf("Created S3 config: %s\n", resp.Message)
    }
    
    // Get specific delivery configuration
    if resp, err := client.GetDeliveryConfig("example-corp", "cloudwatch"); err != nil {
        fmt.Printf("Get CloudWatch config failed: %v\n", err)
    } else {
        configData, _ := json.MarshalIndent(resp.Data, "", "  ")
        fmt.Printf("CloudWatch config:\n%s\n", configData)
    }
    
    // List all delivery configurations for a tenant
    if resp, err := client.ListTenantDeliveryConfigs("example-corp"); err != nil {
        fmt.Printf("List tenant configs failed: %v\n", err)
    } else {
        fmt.Printf("Tenant has %d delivery configurations\n", len(resp.Data.(map[string]interface{})["configurations"].([]interface{})))
    }
    
    // Disable CloudWatch delivery
    updates := map[string]interface{}{
        "enabled": false,
    }
    if resp, err := client.PatchDeliveryConfig("example-corp", "cloudwatch", updates); err != nil {
        fmt.Printf("Patch CloudWatch config failed: %v\n", err)
    } else {
        fmt.Printf("CloudWatch config updated: %s\n", resp.Message)
    }
    
    // List all delivery configurations across all tenants
    if resp, err := client.ListAllDeliveryConfigs(50, ""); err != nil {
        fmt.Printf("List all configs failed: %v\n", err)
    } else {
        fmt.Printf("Total configurations retrieved: %d\n", len(resp.Data.(map[string]interface{})["configurations"].([]interface{})))
    }
    
    // Validate delivery configuration
    if resp, err := client.ValidateDeliveryConfig("example-corp", "cloudwatch"); err != nil {
        fmt.Printf("Validate config failed: %v\n", err)
    } else {
        fmt.Printf("Validation result: %s\n", resp.Status)
    }
}
