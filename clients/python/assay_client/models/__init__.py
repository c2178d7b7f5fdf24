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
from .assessment_response import AssessmentResponse
from .assessment_status import AssessmentStatus
from .assessment_type import AssessmentType
from .change_password_request import ChangePasswordRequest
from .change_response import ChangeResponse
from .changed_entry import ChangedEntry
from .check_access_code_status_request import CheckAccessCodeStatusRequest
from .check_assessment_list_request import CheckAssessmentListRequest
from .check_order_status_request import CheckOrderStatusRequest
from .check_price_request import CheckPriceRequest
from .create_access_code_request import CreateAccessCodeRequest
from .create_api_key_request import CreateApiKeyRequest
from .create_assessment_for_access_code_request import CreateAssessmentForAccessCodeRequest
from .create_assessment_request import CreateAssessmentRequest
from .create_assessments_request import CreateAssessmentsRequest
from .created_api_key_response import CreatedApiKeyResponse
from .created_assessment_response import CreatedAssessmentResponse
from .created_assessments_response import CreatedAssessmentsResponse
from .deactivate_access_code_request import DeactivateAccessCodeRequest
from .entry_kind import EntryKind
from .evidence_response import EvidenceResponse
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
from .order_response import OrderResponse
from .payment_response import PaymentResponse
from .payment_transaction import PaymentTransaction
from .price_response import PriceResponse
from .problem import Problem
from .public_key_response import PublicKeyResponse
from .public_keys_response import PublicKeysResponse
from .rail_parameters import RailParameters
from .rail_price import RailPrice
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
    "AssessmentResponse",
    "AssessmentStatus",
    "AssessmentType",
    "ChangedEntry",
    "ChangePasswordRequest",
    "ChangeResponse",
    "CheckAccessCodeStatusRequest",
    "CheckAssessmentListRequest",
    "CheckOrderStatusRequest",
    "CheckPriceRequest",
    "CreateAccessCodeRequest",
    "CreateApiKeyRequest",
    "CreateAssessmentForAccessCodeRequest",
    "CreateAssessmentRequest",
    "CreateAssessmentsRequest",
    "CreatedApiKeyResponse",
    "CreatedAssessmentResponse",
    "CreatedAssessmentsResponse",
    "DeactivateAccessCodeRequest",
    "EntryKind",
    "EvidenceResponse",
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
    "OrderResponse",
    "PaymentResponse",
    "PaymentTransaction",
    "PriceResponse",
    "Problem",
    "PublicKeyResponse",
    "PublicKeysResponse",
    "RailParameters",
    "RailPrice",
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
)
