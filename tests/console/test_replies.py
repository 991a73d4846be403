import pytest

from schemas.errors import ConfigurationError
from tests.console.conftest import Parley

pytestmark = pytest.mark.integration


def test_taking_back_the_replies_of_an_account_that_nobody_added_is_refused(parley: Parley) -> None:
    with pytest.raises(ConfigurationError, match=r"facebook account 9\b.*`parley accounts list`"):
        parley("replies", "retract", "--since", "1h", "--account", "facebook:9")
