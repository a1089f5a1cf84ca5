package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// signing signs every request of the generated client. A RoundTripper sees what is sent.
type signing struct{ key []byte }

func (s signing) RoundTrip(request *http.Request) (*http.Response, error) {
	var body []byte
	if request.Body != nil {
		var err error
		if body, err = io.ReadAll(request.Body); err != nil {
			return nil, err
		}
	}
	request = request.Clone(request.Context())
	request.Body = io.NopCloser(bytes.NewReader(body))

	timestamp := time.Now().UTC().Format("2006-01-02T15:04:05Z")
	digest := ""
	if len(body) > 0 {
		sum := sha256.Sum256(body)
		digest = hex.EncodeToString(sum[:])
		request.Header.Set("X-Body-SHA256", digest)
	}
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(request.Method + canonical(request.URL) + timestamp + digest))
	request.Header.Set("Authorization", "HMAC-SHA256 "+hex.EncodeToString(mac.Sum(nil)))
	request.Header.Set("X-API-Timestamp", timestamp)
	return http.DefaultTransport.RoundTrip(request)
}

// canonical has the pairs of the query sorted, and percent-encoded without a plus sign.
func canonical(target *url.URL) string {
	uri := target.EscapedPath()
	if query := strings.ReplaceAll(target.Query().Encode(), "+", "%20"); query != "" {
		uri += "?" + query
	}
	return uri
}
