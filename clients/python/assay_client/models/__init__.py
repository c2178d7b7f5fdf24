"""Contains all the data models used in inputs/outputs"""

from .access_code_page import AccessCodePage
from .access_code_response import AccessCodeResponse
from .account_type import AccountType
from .activity import Activity
from .answer_response import AnswerResponse
from .api_key_page import ApiKeyPage
from .api_key_response import ApiKeyResponse
from .assessment_outcome import AssessmentOutcome
from .assessment_page import AssessmentPage
from .assessment_question import AssessmentQuestion
from .assessment_question_fault import AssessmentQuestionFault
from .assessment_question_metadata_type_0 import AssessmentQuestionMetadataType0
from .assessment_response import AssessmentResponse
from .assessment_response_metadata import AssessmentResponseMetadata
from .assessment_status import AssessmentStatus
from .assessment_type import AssessmentType
from .change_password_request import ChangePasswordRequest
from .change_response import ChangeResponse
from .change_webhook_endpoint_request import ChangeWebhookEndpointRequest
from .changed_entry import ChangedEntry
from .check_access_code_status_request import CheckAccessCodeStatusRequest
from .check_assessment_list_request import CheckAssessmentListRequest
from .check_order_status_request import CheckOrderStatusRequest
from .check_price_request import CheckPriceRequest
from .create_access_code_request import CreateAccessCodeRequest
from .create_api_key_request import CreateApiKeyRequest
from .create_assessment_for_access_code_request import CreateAssessmentForAccessCodeRequest
from .create_assessment_for_access_code_request_metadata_type_0 import (
    CreateAssessmentForAccessCodeRequestMetadataType0,
)
from .create_assessment_request import CreateAssessmentRequest
from .create_assessment_request_metadata_type_0 import CreateAssessmentRequestMetadataType0
from .create_assessments_request import CreateAssessmentsRequest
from .create_webhook_endpoint_request import CreateWebhookEndpointRequest
from .created_api_key_response import CreatedApiKeyResponse
from .created_assessment_response import CreatedAssessmentResponse
from .created_assessment_response_metadata import CreatedAssessmentResponseMetadata
from .created_assessments_response import CreatedAssessmentsResponse
from .deactivate_access_code_request import DeactivateAccessCodeRequest
from .delivery_status import DeliveryStatus
from .disabled_reason import DisabledReason
from .endpoint_status import EndpointStatus
from .entry_kind import EntryKind
from .event_page import EventPage
from .event_response import EventResponse
from .event_response_data import EventResponseData
from .evidence_response import EvidenceResponse
from .export_format import ExportFormat
from .health_response import HealthResponse
from .late_payment import LatePayment
from .ledger_entry_response import LedgerEntryResponse
from .ledger_page import LedgerPage
from .listed_party_response import ListedPartyResponse
from .login_request import LoginRequest
from .login_response import LoginResponse
from .move_credits_request import MoveCreditsRequest
from .opinion_response import OpinionResponse
from .order_page import OrderPage
from .order_parameters_response import OrderParametersResponse
from .order_problem import OrderProblem
from .order_request import OrderRequest
from .order_request_metadata_type_0 import OrderRequestMetadataType0
from .order_response import OrderResponse
from .order_response_metadata import OrderResponseMetadata
from .payment_page_request import PaymentPageRequest
from .payment_page_response import PaymentPageResponse
from .payment_response import PaymentResponse
from .payment_transaction import PaymentTransaction
from .price_response import PriceResponse
from .problem import Problem
from .public_key_response import PublicKeyResponse
from .public_keys_response import PublicKeysResponse
from .rail_parameters import RailParameters
from .rail_price import RailPrice
from .redeliver_request import RedeliverRequest
from .redeliver_response import RedeliverResponse
from .register_request import RegisterRequest
from .register_response import RegisterResponse
from .return_credits_request import ReturnCreditsRequest
from .returned_credits_response import ReturnedCreditsResponse
from .rotate_api_key_request import RotateApiKeyRequest
from .scope import Scope
from .self_status_response import SelfStatusResponse
from .source_response import SourceResponse
from .vendor_score_response import VendorScoreResponse
from .vendor_score_response_signals import VendorScoreResponseSignals
from .vendor_score_response_weights import VendorScoreResponseWeights
from .webhook_delivery_page import WebhookDeliveryPage
from .webhook_delivery_response import WebhookDeliveryResponse
from .webhook_delivery_with_bodies import WebhookDeliveryWithBodies
from .webhook_endpoint_page import WebhookEndpointPage
from .webhook_endpoint_response import WebhookEndpointResponse
from .webhook_endpoint_with_secret import WebhookEndpointWithSecret

__all__ = (
    "AccessCodePage",
    "AccessCodeResponse",
    "AccountType",
    "Activity",
    "AnswerResponse",
    "ApiKeyPage",
    "ApiKeyResponse",
    "AssessmentOutcome",
    "AssessmentPage",
    "AssessmentQuestion",
    "AssessmentQuestionFault",
    "AssessmentQuestionMetadataType0",
    "AssessmentResponse",
    "AssessmentResponseMetadata",
    "AssessmentStatus",
    "AssessmentType",
    "ChangedEntry",
    "ChangePasswordRequest",
    "ChangeResponse",
    "ChangeWebhookEndpointRequest",
    "CheckAccessCodeStatusRequest",
    "CheckAssessmentListRequest",
    "CheckOrderStatusRequest",
    "CheckPriceRequest",
    "CreateAccessCodeRequest",
    "CreateApiKeyRequest",
    "CreateAssessmentForAccessCodeRequest",
    "CreateAssessmentForAccessCodeRequestMetadataType0",
    "CreateAssessmentRequest",
    "CreateAssessmentRequestMetadataType0",
    "CreateAssessmentsRequest",
    "CreatedApiKeyResponse",
    "CreatedAssessmentResponse",
    "CreatedAssessmentResponseMetadata",
    "CreatedAssessmentsResponse",
    "CreateWebhookEndpointRequest",
    "DeactivateAccessCodeRequest",
    "DeliveryStatus",
    "DisabledReason",
    "EndpointStatus",
    "EntryKind",
    "EventPage",
    "EventResponse",
    "EventResponseData",
    "EvidenceResponse",
    "ExportFormat",
    "HealthResponse",
    "LatePayment",
    "LedgerEntryResponse",
    "LedgerPage",
    "ListedPartyResponse",
    "LoginRequest",
    "LoginResponse",
    "MoveCreditsRequest",
    "OpinionResponse",
    "OrderPage",
    "OrderParametersResponse",
    "OrderProblem",
    "OrderRequest",
    "OrderRequestMetadataType0",
    "OrderResponse",
    "OrderResponseMetadata",
    "PaymentPageRequest",
    "PaymentPageResponse",
    "PaymentResponse",
    "PaymentTransaction",
    "PriceResponse",
    "Problem",
    "PublicKeyResponse",
    "PublicKeysResponse",
    "RailParameters",
    "RailPrice",
    "RedeliverRequest",
    "RedeliverResponse",
    "RegisterRequest",
    "RegisterResponse",
    "ReturnCreditsRequest",
    "ReturnedCreditsResponse",
    "RotateApiKeyRequest",
    "Scope",
    "SelfStatusResponse",
    "SourceResponse",
    "VendorScoreResponse",
    "VendorScoreResponseSignals",
    "VendorScoreResponseWeights",
    "WebhookDeliveryPage",
    "WebhookDeliveryResponse",
    "WebhookDeliveryWithBodies",
    "WebhookEndpointPage",
    "WebhookEndpointResponse",
    "WebhookEndpointWithSecret",
)
