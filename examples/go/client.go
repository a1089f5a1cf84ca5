package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Config is a delivery configuration of either type. In what the API returns, Enabled is always set.
type Config struct {
	TenantID               string            `json:"tenant_id,omitempty"`
	Type                   string            `json:"type,omitempty"`
	LogDistributionRoleARN string            `json:"log_distribution_role_arn,omitempty"`
	LogGroupName           string            `json:"log_group_name,omitempty"`
	BucketName             string            `json:"bucket_name,omitempty"`
	BucketPrefix           string            `json:"bucket_prefix,omitempty"`
	TargetRegion           string            `json:"target_region,omitempty"`
	Enabled                *bool             `json:"enabled,omitempty"`
	DesiredLogs            []string          `json:"desired_logs,omitempty"`
	Labels                 map[string]string `json:"labels,omitempty"`
	TTL                    *int64            `json:"ttl,omitempty"`
	CreatedAt              string            `json:"created_at,omitempty"`
	UpdatedAt              string            `json:"updated_at,omitempty"`
}

// Changes is the body of a PATCH or PUT: a field left out keeps its value, nil removes it. The same holds for each label.
type Changes map[string]any

// Page is one page of all tenants' configurations. LastKey is empty on the last one.
type Page struct {
	Configurations []Config `json:"configurations"`
	LastKey        string   `json:"last_key"`
}

// Validation is what the API finds in a stored configuration.
type Validation struct {
	Valid  bool `json:"valid"`
	Checks []struct {
		Field   string `json:"field"`
		Status  string `json:"status"`
		Message string `json:"message"`
	} `json:"checks"`
}

// Webhook is where changes are sent to. Secret is in the response to its creation only; docs/webhooks.md has the function
// that verifies events with it.
type Webhook struct {
	ID      string   `json:"id,omitempty"`
	URL     string   `json:"url"`
	Events  []string `json:"events,omitempty"`
	Enabled bool     `json:"enabled"`
	Status  string   `json:"status,omitempty"`
	Secret  string   `json:"secret,omitempty"`
}

// Revision is one change of a configuration.
type Revision struct {
	Revision  string `json:"revision"`
	Event     string `json:"event"`
	ChangedAt string `json:"changed_at"`
	Actor     struct {
		Type      string `json:"type"`
		Kind      string `json:"kind"`
		RequestID string `json:"request_id"`
		Note      string `json:"note"`
	} `json:"actor"`
	Changes []struct {
		Field string `json:"field"`
		From  any    `json:"from"`
		To    any    `json:"to"`
	} `json:"changes"`
	RestoredFrom string `json:"restored_from"`
}

// History is a page of revisions. The last one has no cursor.
type History struct {
	Revisions []Revision `json:"revisions"`
	Cursor    string     `json:"cursor"`
}

// Error is any response of 400 or more.
type Error struct {
	Status    int
	Message   string
	RequestID string // to find the request in the server's log
	Broken    []struct {
		Field   string `json:"field"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%d: %s (request %s)", e.Status, e.Message, e.RequestID)
	for _, rule := range e.Broken {
		text += fmt.Sprintf("\n   %s - %s", rule.Field, rule.Message)
	}
	return text
}

// Client signs and sends requests. BaseURL may hold the stage.
type Client struct {
	BaseURL string
	PSK     []byte
	HTTP    *http.Client
}

// NewClient returns a client of the API at baseURL.
func NewClient(baseURL, psk string) *Client {
	return &Client{strings.TrimRight(baseURL, "/"), []byte(psk), &http.Client{Timeout: 30 * time.Second}}
}

// sign adds the headers that prove the request to come from a holder of the key. RequestURI is everything after the host,
// query included. A body is bound by its digest, so that nobody on the way can swap it.
func (c *Client) sign(request *http.Request, body []byte) {
	timestamp := time.Now().UTC().Format(time.RFC3339)
	message := request.Method + request.URL.RequestURI() + timestamp
	if body != nil {
		digest := sha256.Sum256(body)
		request.Header.Set("X-Body-SHA256", hex.EncodeToString(digest[:]))
		message += hex.EncodeToString(digest[:])
	}
	mac := hmac.New(sha256.New, c.PSK)
	mac.Write([]byte(message))
	request.Header.Set("Authorization", "HMAC-SHA256 "+hex.EncodeToString(mac.Sum(nil)))
	request.Header.Set("X-API-Timestamp", timestamp)
}

// do sends one request, reads the envelope's data into result (unless nil) and returns the response's headers.
func (c *Client) do(ctx context.Context, method, path, ifMatch string, in, result any) (http.Header, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return nil, err
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, c.BaseURL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if ifMatch != "" {
		request.Header.Set("If-Match", ifMatch)
	}
	c.sign(request, body)

	response, err := c.HTTP.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	return response.Header, decode(response, text, result)
}

func decode(response *http.Response, text []byte, result any) error {
	if response.StatusCode >= 400 {
		var envelope struct {
			Error   string
			Details struct{ Errors json.RawMessage }
		}
		apiError := &Error{Status: response.StatusCode, RequestID: response.Header.Get("X-Request-Id")}
		if err := json.Unmarshal(text, &envelope); err != nil {
			apiError.Message = response.Status // a proxy between the client and the API responded
			return apiError
		}
		apiError.Message = envelope.Error
		_ = json.Unmarshal(envelope.Details.Errors, &apiError.Broken) // only a 422 has them
		return apiError
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(text, &struct{ Data any }{result})
}

func tenantPath(tenant string) string {
	return "/api/v1/tenants/" + url.PathEscape(tenant) + "/delivery-configs"
}

func webhooksPath(tenant string) string {
	return "/api/v1/tenants/" + url.PathEscape(tenant) + "/webhooks"
}

func configPath(tenant, deliveryType string) string {
	return tenantPath(tenant) + "/" + url.PathEscape(deliveryType)
}

// Health says whether the service and its store are well.
func (c *Client) Health(ctx context.Context) (status string, err error) {
	var health struct{ Status string }
	_, err = c.do(ctx, http.MethodGet, "/health", "", nil, &health)
	return health.Status, err
}

// Create stores a new configuration.
func (c *Client) Create(ctx context.Context, config Config) (stored Config, err error) {
	_, err = c.do(ctx, http.MethodPost, tenantPath(config.TenantID), "", config, &stored)
	return stored, err
}

// Get returns a configuration and its ETag, which Patch, Put and Delete take as ifMatch ("" for whatever version is there).
func (c *Client) Get(ctx context.Context, tenant, deliveryType string) (config Config, etag string, err error) {
	header, err := c.do(ctx, http.MethodGet, configPath(tenant, deliveryType), "", nil, &config)
	return config, header.Get("ETag"), err
}

// ListTenant returns the configurations of one tenant.
func (c *Client) ListTenant(ctx context.Context, tenant string) ([]Config, error) {
	var list Page
	_, err := c.do(ctx, http.MethodGet, tenantPath(tenant), "", nil, &list)
	return list.Configurations, err
}

// ListAll returns one page of all tenants' configurations; lastKey is that of the page before.
func (c *Client) ListAll(ctx context.Context, limit int, lastKey string) (page Page, err error) {
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	if lastKey != "" {
		query.Set("last_key", lastKey)
	}
	// Encode sorts by name: the form that the API checks first.
	_, err = c.do(ctx, http.MethodGet, "/api/v1/delivery-configs?"+query.Encode(), "", nil, &page)
	return page, err
}

// Search returns one page of the configurations that match a filter; lastKey is that of the page before. A page can be
// empty and not be the last one.
func (c *Client) Search(ctx context.Context, filter string, limit int, lastKey string) (page Page, err error) {
	search := map[string]any{"filter": filter, "limit": limit, "last_key": lastKey}
	_, err = c.do(ctx, http.MethodPost, "/api/v1/delivery-configs/search", "", search, &page)
	return page, err
}

// Patch changes the named fields.
func (c *Client) Patch(ctx context.Context, tenant, deliveryType string, changes Changes, ifMatch string) (stored Config, err error) {
	_, err = c.do(ctx, http.MethodPatch, configPath(tenant, deliveryType), ifMatch, changes, &stored)
	return stored, err
}

// Put does as Patch: a field left out keeps its value.
func (c *Client) Put(ctx context.Context, tenant, deliveryType string, changes Changes, ifMatch string) (stored Config, err error) {
	_, err = c.do(ctx, http.MethodPut, configPath(tenant, deliveryType), ifMatch, changes, &stored)
	return stored, err
}

// Delete removes a configuration.
func (c *Client) Delete(ctx context.Context, tenant, deliveryType, ifMatch string) error {
	_, err := c.do(ctx, http.MethodDelete, configPath(tenant, deliveryType), ifMatch, nil, nil)
	return err
}

// Validate checks a stored configuration.
func (c *Client) Validate(ctx context.Context, tenant, deliveryType string) (result Validation, err error) {
	_, err = c.do(ctx, http.MethodGet, configPath(tenant, deliveryType)+"/validate", "", nil, &result)
	return result, err
}

// History returns one page of the revisions of a configuration, the earliest one first; cursor is that of the page before.
func (c *Client) History(ctx context.Context, tenant, deliveryType string, limit int, cursor string) (page History, err error) {
	query := url.Values{"limit": {strconv.Itoa(limit)}, "order": {"asc"}}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	_, err = c.do(ctx, http.MethodGet, configPath(tenant, deliveryType)+"/history?"+query.Encode(), "", nil, &page)
	return page, err
}

// Restore makes a configuration what it was after a revision, except for what changes names. It returns what is stored then.
func (c *Client) Restore(ctx context.Context, tenant, deliveryType, revision string, changes Changes, ifMatch string) (stored Config, err error) {
	var result struct{ Configuration Config }
	_, err = c.do(ctx, http.MethodPost, configPath(tenant, deliveryType)+"/history/"+revision+"/restore", ifMatch, changes, &result)
	return result.Configuration, err
}

// CreateWebhook makes a webhook that gets the tenant's changes.
func (c *Client) CreateWebhook(ctx context.Context, tenant string, webhook Webhook) (created Webhook, err error) {
	_, err = c.do(ctx, http.MethodPost, webhooksPath(tenant), "", webhook, &created)
	return created, err
}

// DeleteWebhook removes a webhook.
func (c *Client) DeleteWebhook(ctx context.Context, tenant, id string) error {
	_, err := c.do(ctx, http.MethodDelete, webhooksPath(tenant)+"/"+url.PathEscape(id), "", nil, nil)
	return err
}
