"""A user keeps its tags when its name or path changes. moto 5.2.5 loses them.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateUser.html
"""

from typing import Any

from moto.iam.models import IAMBackend


def install() -> None:
    moto: Any = IAMBackend
    original = moto.update_user

    def update_user(
        self: Any, user_name: str, new_path: str | None = None, new_user_name: str | None = None
    ) -> None:
        old = self.get_user(user_name).arn
        original(self, user_name, new_path, new_user_name)
        new = self.get_user(new_user_name or user_name).arn
        if new != old:
            self.tagger.tag_resource(new, self.tagger.list_tags_for_resource(old)["Tags"])
            self.tagger.delete_all_tags_for_resource(old)

    moto.update_user = update_user
