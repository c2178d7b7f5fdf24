// The journey of a buyer with the client that openapi-generator made for Go.
package main

import (
	"context"
	"errors"
	"io"
	"log"
	"os"
	"time"

	api "example.org/made"
)

const (
	password = "correct horse battery"
	address  = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"
)

var (
	client *api.APIClient
	email  = os.Getenv("BUYER") + "@example.com"
)

func check(holds bool, what string) {
	if !holds {
		log.Fatal(what)
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func refused(err error, code string) {
	var fault *api.GenericOpenAPIError
	check(errors.As(err, &fault), "expected "+code)
	switch problem := fault.Model().(type) {
	case api.Problem:
		check(problem.Code == code, "expected "+code+", got "+problem.Code)
	default:
		log.Fatalf("expected a problem, got %T", problem)
	}
}

func withKey(key string) context.Context {
	keys := map[string]api.APIKey{"ApiKeyHeader": {Key: key}}
	return context.WithValue(context.Background(), api.ContextAPIKeys, keys)
}

func signUp() context.Context {
	nobody := context.Background()
	account := *api.NewRegisterRequest(email, password)
	_, _, err := client.AccountsAPI.Register(nobody).RegisterRequest(account).Execute()
	must(err)
	_, _, err = client.AccountsAPI.Register(nobody).RegisterRequest(account).Execute()
	refused(err, "email_taken")
	session, _, err := client.AccountsAPI.Login(nobody).
		LoginRequest(*api.NewLoginRequest(email, password)).Execute()
	must(err)
	bearer := context.WithValue(nobody, api.ContextAccessToken, session.SessionToken)
	key, _, err := client.ApiKeysAPI.CreateApiKey(bearer).
		CreateApiKeyRequest(*api.NewCreateApiKeyRequest()).Execute()
	must(err)
	return withKey(key.ApiKey)
}

func buy(ctx context.Context) {
	price, _, err := client.OrdersAPI.CheckPrice(ctx).
		CheckPriceRequest(*api.NewCheckPriceRequest(10)).Execute()
	must(err)
	check(len(price.Prices) == 2, "expected two prices")
	var made []string
	for coin, network := range map[string]string{"Aeon": "AEON", "Bitcoin": "BTC"} {
		key := email + "-" + network
		asked := *api.NewOrderRequest(10, coin, network, true)
		order, _, err := client.OrdersAPI.NewOrder(ctx).OrderRequest(asked).IdempotencyKey(key).Execute()
		must(err)
		again, _, err := client.OrdersAPI.NewOrder(ctx).OrderRequest(asked).IdempotencyKey(key).Execute()
		must(err)
		check(again.OrderId == order.OrderId, "expected one order under one key")
		asked.NumberOfCredits = 11
		_, _, err = client.OrdersAPI.NewOrder(ctx).OrderRequest(asked).IdempotencyKey(key).Execute()
		refused(err, "idempotency_key_reused")
		made = append(made, order.OrderId)
	}
	deadline := time.Now().Add(450 * time.Second)
	for _, id := range made {
		for {
			order, _, err := client.OrdersAPI.CheckOrderStatus(ctx).
				CheckOrderStatusRequest(*api.NewCheckOrderStatusRequest(id)).Execute()
			must(err)
			if granted := order.CreditsGranted.Get(); granted != nil && *granted == 10 {
				break
			}
			check(time.Now().Before(deadline), id+" is still "+order.Status)
			time.Sleep(time.Second)
		}
	}
	first, _, err := client.OrdersAPI.ListOrders(ctx).Limit(1).Execute()
	must(err)
	second, _, err := client.OrdersAPI.ListOrders(ctx).Limit(1).Cursor(*first.NextCursor.Get()).Execute()
	must(err)
	check(second.NextCursor.Get() == nil, "expected no third page")
}

func assess(ctx context.Context) {
	wish := *api.NewCreateAccessCodeRequest()
	wish.SetCredits(3)
	code, _, err := client.AccessCodesAPI.CreateAccessCode(ctx).CreateAccessCodeRequest(wish).Execute()
	must(err)
	ask := func(fresh bool) (*api.CreatedAssessmentResponse, error) {
		asked := *api.NewCreateAssessmentForAccessCodeRequest(
			code.AccessCode, api.ASSESSMENT_TYPE_ADDRESS, address, "BTC")
		asked.SetFresh(fresh)
		made, _, err := client.AssessmentsAPI.CreateNewAssessmentForAccessCode(ctx).
			CreateAssessmentForAccessCodeRequest(asked).Execute()
		return made, err
	}
	made, err := ask(false)
	must(err)
	first := *api.NewAssessmentQuestion(api.ASSESSMENT_TYPE_ADDRESS, address, "BTC")
	first.SetFresh(true)
	malformed := *api.NewAssessmentQuestion(api.ASSESSMENT_TYPE_ADDRESS, "malformed", "BTC")
	batch, _, err := client.AssessmentsAPI.CreateNewAssessmentsForAccessCode(ctx).
		CreateAssessmentsRequest(*api.NewCreateAssessmentsRequest(
			code.AccessCode, []api.AssessmentQuestion{first, malformed})).Execute()
	must(err)
	check(batch.CreditsCharged == 1, "expected one of two to be paid")
	check(batch.Outcomes[1].Error.Get().Code == "invalid_parameter", "expected a fault")
	receipt, _, err := client.AssessmentsAPI.GetReceipt(ctx, made.AssessmentId).Execute()
	must(err)
	content, err := io.ReadAll(receipt)
	must(err)
	must(os.WriteFile(os.Getenv("RECEIPT"), content, 0o600))
	_, _, err = client.AssessmentsAPI.GetReceipt(ctx, "asm_unknown").Execute()
	refused(err, "not_found")
	_, err = ask(true)
	must(err)
	_, err = ask(true)
	refused(err, "insufficient_credits")
}

func main() {
	settings := api.NewConfiguration()
	settings.Servers = api.ServerConfigurations{{URL: os.Getenv("ASSAY_URL")}}
	client = api.NewAPIClient(settings)
	ctx := signUp()
	buy(ctx)
	assess(ctx)
	own, _, err := client.AccountsAPI.CheckSelfStatus(ctx).Execute()
	must(err)
	check(own.CreditsAvailable == 17, "expected 17 credits")
	_, _, err = client.OrdersAPI.CheckOrderStatus(ctx).
		CheckOrderStatusRequest(*api.NewCheckOrderStatusRequest("nothing")).Execute()
	refused(err, "invalid_order_id")
	_, _, err = client.AccountsAPI.CheckSelfStatus(withKey("ak_wrong")).Execute()
	refused(err, "invalid_api_key")
}
