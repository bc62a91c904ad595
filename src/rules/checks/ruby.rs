//! Ruby: what Bundler runs.

use crate::rules::checks::finds::Finds;
use crate::rules::checks::folder::Folder;
use crate::rules::checks::shape::CheckKind;

const GEMFILE: &str = "Gemfile";
const INSTALL: &str = "bundle install";

/// `RuboCop` where it is configured; `RSpec`, Rails' tests or Rake's, whichever the repository has.
pub(super) fn find(folder: &Folder<'_>, finds: &mut Finds) {
    let Some(gems) = folder.text(GEMFILE) else {
        return;
    };
    if folder.has(".rubocop.yml") {
        let found = finds.add(CheckKind::Lint, "bundle exec rubocop", ".rubocop.yml");
        found.after(INSTALL);
    }
    let in_spec = |path: &str| path.ends_with("_spec.rb");
    let in_test = |path: &str| path.ends_with("_test.rb");
    let rake = folder.text("Rakefile").unwrap_or_default();
    let tests = if folder.has(".rspec") || (gems.contains("rspec") && folder.below().any(in_spec)) {
        Some(("bundle exec rspec", "Gemfile rspec"))
    } else if folder.has("bin/rails") && folder.below().any(in_test) {
        Some(("bundle exec rails test", "bin/rails, test/"))
    } else if rake.contains("Rake::TestTask") || rake.contains("Minitest::TestTask") {
        Some(("bundle exec rake test", "Rakefile TestTask"))
    } else {
        None
    };
    if let Some((command, why)) = tests {
        finds.add(CheckKind::Test, command, why).after(INSTALL);
    }
}
