// The journey of a buyer with the client that openapi-generator made for Java.
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.AccessCodesApi;
import org.openapitools.client.api.AccountsApi;
import org.openapitools.client.api.ApiKeysApi;
import org.openapitools.client.api.AssessmentsApi;
import org.openapitools.client.api.OrdersApi;
import org.openapitools.client.model.*;

public class OpenapiGeneratorJava {
    static final String EMAIL = System.getenv("BUYER") + "@example.com";
    static final String PASSWORD = "correct horse battery";
    static final String ADDRESS = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM";

    interface Call {
        Object make() throws Exception;
    }

    static void check(boolean holds, String what) {
        if (!holds) throw new IllegalStateException(what);
    }

    static void refused(Call call, String code) throws Exception {
        try {
            call.make();
        } catch (ApiException fault) {
            Problem problem =
                    ApiClient.createDefaultObjectMapper()
                            .readValue(fault.getResponseBody(), Problem.class);
            check(problem.getCode().equals(code), "expected " + code + ", got " + problem.getCode());
            return;
        }
        throw new IllegalStateException("expected the problem " + code);
    }

    static ApiClient with(String header, String value) {
        ApiClient client = new ApiClient();
        client.updateBaseUri(System.getenv("ASSAY_URL"));
        client.setRequestInterceptor(request -> request.setHeader(header, value));
        return client;
    }

    static ApiClient signUp() throws Exception {
        AccountsApi nobody = new AccountsApi(with("Accept-Language", "en"));
        RegisterRequest account = new RegisterRequest().email(EMAIL).password(PASSWORD);
        nobody.register(account, null);
        refused(() -> nobody.register(account, null), "email_taken");
        LoginResponse session =
                nobody.login(new LoginRequest().email(EMAIL).password(PASSWORD));
        ApiClient bearer = with("Authorization", "Bearer " + session.getSessionToken());
        return with(
                "X-API-KEY",
                new ApiKeysApi(bearer).createApiKey(new CreateApiKeyRequest(), null).getApiKey());
    }

    static void buy(OrdersApi orders) throws Exception {
        PriceResponse price = orders.checkPrice(new CheckPriceRequest().numberOfCredits(10));
        check(price.getPrices().size() == 2, "expected two prices");
        List<String> made = new ArrayList<>();
        for (Map.Entry<String, String> coin : Map.of("Aeon", "AEON", "Bitcoin", "BTC").entrySet()) {
            String key = EMAIL + "-" + coin.getValue();
            OrderRequest asked =
                    new OrderRequest()
                            .numberOfCredits(10)
                            .paymentCoin(coin.getKey())
                            .paymentNetwork(coin.getValue())
                            .orderIsForSelf(true);
            String id = orders.newOrder(asked, key).getOrderId();
            check(orders.newOrder(asked, key).getOrderId().equals(id), "expected one order");
            asked.setNumberOfCredits(11);
            refused(() -> orders.newOrder(asked, key), "idempotency_key_reused");
            made.add(id);
        }
        long deadline = System.nanoTime() + 450_000_000_000L;
        for (String id : made) {
            while (true) {
                OrderResponse order =
                        orders.checkOrderStatus(new CheckOrderStatusRequest().orderId(id));
                Integer granted = order.getCreditsGranted();
                if (granted != null && granted == 10) break;
                check(System.nanoTime() < deadline, id + " is still " + order.getStatus());
                Thread.sleep(1000);
            }
        }
        String cursor = orders.listOrders(null, 1, null, null, null, null, null).getNextCursor();
        check(cursor != null, "expected a second page");
        check(orders.listOrders(cursor, 1, null, null, null, null, null).getNextCursor() == null, "expected no third page");
    }

    static void assess(ApiClient client) throws Exception {
        AssessmentsApi assessments = new AssessmentsApi(client);
        String code =
                new AccessCodesApi(client)
                        .createAccessCode(new CreateAccessCodeRequest().credits(3), null)
                        .getAccessCode();
        CreateAssessmentForAccessCodeRequest asked =
                new CreateAssessmentForAccessCodeRequest()
                        .accessCode(code)
                        .assessmentType(AssessmentType.ASSESSMENT_TYPE_ADDRESS)
                        .address(ADDRESS)
                        .currency("BTC");
        String made = assessments.createNewAssessmentForAccessCode(asked, null).getAssessmentId();
        List<AssessmentQuestion> questions = new ArrayList<>();
        for (String address : List.of(ADDRESS, "malformed")) {
            questions.add(
                    new AssessmentQuestion()
                            .assessmentType(AssessmentType.ASSESSMENT_TYPE_ADDRESS)
                            .address(address)
                            .currency("BTC")
                            .fresh(true));
        }
        CreatedAssessmentsResponse batch =
                assessments.createNewAssessmentsForAccessCode(
                        new CreateAssessmentsRequest().accessCode(code).questions(questions), null);
        check(batch.getCreditsCharged() == 1, "expected one of two to be paid");
        check(
                batch.getOutcomes().get(1).getError().getCode().equals("invalid_parameter"),
                "expected a fault");
        Files.copy(assessments.getReceipt(made).toPath(), Path.of(System.getenv("RECEIPT")));
        refused(() -> assessments.getReceipt("asm_unknown"), "not_found");
        asked.setFresh(true);
        assessments.createNewAssessmentForAccessCode(asked, null);
        refused(
                () -> assessments.createNewAssessmentForAccessCode(asked, null),
                "insufficient_credits");
    }

    public static void main(String[] arguments) throws Exception {
        ApiClient client = signUp();
        OrdersApi orders = new OrdersApi(client);
        buy(orders);
        assess(client);
        check(
                new AccountsApi(client).checkSelfStatus().getCreditsAvailable() == 17,
                "expected 17 credits");
        refused(
                () -> orders.checkOrderStatus(new CheckOrderStatusRequest().orderId("nothing")),
                "invalid_order_id");
        refused(
                () -> new AccountsApi(with("X-API-KEY", "ak_wrong")).checkSelfStatus(),
                "invalid_api_key");
    }
}
