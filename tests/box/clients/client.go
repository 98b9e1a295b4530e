// Go's net/http, standard library alone: HTTP/2 where the origin speaks it, proxies from the environment.
// Sections as in curl.sh.
package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"sort"
	"strings"
)

func show(name string, request *http.Request, client *http.Client) {
	fmt.Println("== " + name)
	answer, err := client.Do(request)
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	var lines []string
	for key, values := range answer.Header {
		if key != "Connection" && key != "Keep-Alive" {
			lines = append(lines, fmt.Sprint(key, values))
		}
	}
	sort.Strings(lines)
	fmt.Println(answer.Proto, answer.StatusCode, answer.ContentLength, lines, answer.Trailer, err)
	if len(body) < 5000 {
		fmt.Println(string(body))
	} else {
		fmt.Printf("%x\n", sha256.Sum256(body))
	}
}

func main() {
	client := &http.Client{}
	get := func(name, url string) {
		request, _ := http.NewRequest("GET", url, nil)
		show(name, request, client)
	}
	for _, name := range []string{"h1", "h2", "api"} {
		origin := "https://" + name + ".matrix.test"
		get("Go GET "+name, origin+"/echo?g=1")
		get("Go gzip "+name, origin+"/gzip")
		get("Go trailers "+name, origin+"/trailers")
		get("Go large "+name, origin+"/big?bytes=3000000")
		get("Go redirect "+name, origin+"/redirect")
		request, _ := http.NewRequest("POST", origin+"/echo", io.NopCloser(strings.NewReader(strings.Repeat("g", 100000))))
		request.Header.Set("Expect", "100-continue")
		show("Go chunked POST "+name, request, client)
		request, _ = http.NewRequest("POST", origin+"/echo", io.NopCloser(strings.NewReader("with trailers")))
		request.Trailer = http.Header{"X-After": {"the body"}}
		show("Go POST with trailers "+name, request, client)
	}
	get("Go plain http", "http://plain.matrix.test/echo")
	fmt.Println("== end")
}
