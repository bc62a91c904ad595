//! The repository as it is called today: asked once, and anew once an answer leads elsewhere.

use crate::adapters::github::forge::GitHub;
use crate::adapters::github::wire::WireRepository;
use crate::ports::ForgeError;
use std::sync::Arc;

/// The repository as it was seen last, and whether anything had led elsewhere by then.
pub(super) type RepositorySeen = tokio::sync::Mutex<Option<(bool, Arc<WireRepository>)>>;

impl GitHub {
    /// The repository as it is called today.
    pub(super) async fn repository(&self) -> Result<Arc<WireRepository>, ForgeError> {
        let mut seen = self.repository.lock().await;
        let is_led = self.client.is_led();
        if let Some((was_led, repository)) = seen.as_ref()
            && *was_led == is_led
        {
            return Ok(Arc::clone(repository));
        }
        let action = format!("read the repository {}", self.project);
        let repository: WireRepository = self.client.get(&action, &self.path("")).await?;
        let repository = Arc::new(repository);
        *seen = Some((self.client.is_led(), Arc::clone(&repository)));
        Ok(repository)
    }

    /// Is it our repository that something belongs to, by any name that it has or had? What was never called otherwise
    /// costs nothing to tell.
    pub(super) async fn is_own_name(
        &self,
        is_it: impl Fn(&str) -> bool,
    ) -> Result<bool, ForgeError> {
        if is_it(&self.project) || is_it(&self.repository().await?.full_name) {
            return Ok(true);
        }
        // It may have been renamed again since.
        *self.repository.lock().await = None;
        Ok(is_it(&self.repository().await?.full_name))
    }
}
