//! The demo organization.

use anyhow::Result;
use api::sartiq::identity::v1::SignUpRequest;
use api::sartiq::identity::v1::auth_service_client::AuthServiceClient;
use clap::Args;
use tonic_types::StatusExt;

use crate::account::Account;
use crate::client::{Client, connect, request_id};
use crate::library::Library;

/// What to make.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    account: Account,

    /// The name of the organization.
    #[arg(long, default_value = "Demo Atelier")]
    organization: String,
}

pub(crate) async fn seed(options: Options) -> Result<()> {
    let account = &options.account;
    let request = SignUpRequest {
        request_id: request_id(),
        email: account.email.clone(),
        password: account.password.clone(),
        name: "Demo".to_owned(),
        organization_name: options.organization,
        device: "demo".to_owned(),
    };
    let mut auth = AuthServiceClient::new(connect(&account.gateway).await?);
    if let Err(status) = auth.sign_up(request).await {
        let reason = status.get_error_details().error_info().map(|it| it.reason.clone());
        if reason.as_deref() != Some("EMAIL_TAKEN") {
            return Err(status.into());
        }
    }
    let client = Client::sign_in(account).await?;
    Library::find_or_make(&client, None).await?;
    Ok(())
}
