// Requests by Go's net/http. The protocol is described in test_walk.py.
package main

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

var names = []string{"limit", "last_key", "note"}

func percent(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}

func plain(text string) string {
	return text
}

// query writes the parameters in the order of names, which url.Values would sort.
func query(parameters url.Values, order []string, encode func(string) string) string {
	var pairs []string
	for _, name := range order {
		if parameters.Has(name) {
			pairs = append(pairs, encode(name)+"="+encode(parameters.Get(name)))
		}
	}
	return strings.Join(pairs, "&")
}

func send(encoding, signs string, parameters url.Values) (int, string, error) {
	list := os.Getenv("BASE_URL") + "/api/v1/delivery-configs?"
	if encoding == "library" {
		list += parameters.Encode()
	} else {
		list += query(parameters, names, percent)
	}
	request, err := http.NewRequest(http.MethodGet, list, nil)
	if err != nil {
		return 0, "", err
	}
	// What is signed: the path and query on the wire, the documented form, or the text before any encoding.
	signed := request.URL.RequestURI()
	switch signs {
	case "canonical":
		signed = request.URL.EscapedPath() + "?" + query(parameters, []string{"last_key", "limit", "note"}, percent)
	case "plain":
		signed = request.URL.EscapedPath() + "?" + query(parameters, names, plain)
	}
	timestamp := time.Now().UTC().Format(time.RFC3339Nano)
	mac := hmac.New(sha256.New, []byte(os.Getenv("PSK")))
	mac.Write([]byte(http.MethodGet + signed + timestamp))
	request.Header.Set("Authorization", "HMAC-SHA256 "+hex.EncodeToString(mac.Sum(nil)))
	request.Header.Set("X-API-Timestamp", timestamp)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		values := strings.Split(lines.Text(), "\t")
		parameters := url.Values{}
		for at, name := range names {
			if value := values[at+2]; value != "" {
				parameters.Set(name, value)
			}
		}
		status, body, err := send(values[0], values[1], parameters)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d\t%s\n", status, body)
	}
}
