/** The kinds of what is redacted; the name of a kind stands in its placeholders. */
export const AWS_ACCESS_KEY: u32 = 0;
export const AWS_SECRET_KEY: u32 = 1;
export const GOOGLE_API_KEY: u32 = 2;
export const GOOGLE_OAUTH: u32 = 3;
export const AZURE_CLIENT_SECRET: u32 = 4;
export const AZURE_STORAGE_KEY: u32 = 5;
export const AZURE_SAS: u32 = 6;
export const GITHUB_TOKEN: u32 = 7;
export const GITLAB_TOKEN: u32 = 8;
export const SLACK_TOKEN: u32 = 9;
export const SLACK_WEBHOOK: u32 = 10;
export const STRIPE_KEY: u32 = 11;
export const NPM_TOKEN: u32 = 12;
export const PYPI_TOKEN: u32 = 13;
export const OPENAI_KEY: u32 = 14;
export const ANTHROPIC_KEY: u32 = 15;
export const HUGGINGFACE_TOKEN: u32 = 16;
export const SENDGRID_KEY: u32 = 17;
export const TWILIO_KEY: u32 = 18;
export const DIGITALOCEAN_TOKEN: u32 = 19;
export const SHOPIFY_TOKEN: u32 = 20;
export const DATABRICKS_TOKEN: u32 = 21;
export const VAULT_TOKEN: u32 = 22;
export const AGE_KEY: u32 = 23;
export const BEARER_TOKEN: u32 = 24;
export const AUTHORIZATION: u32 = 25;
export const JWT: u32 = 26;
export const PRIVATE_KEY: u32 = 27;
export const PASSWORD: u32 = 28;
export const SECRET: u32 = 29;
export const URL_PASSWORD: u32 = 30;
export const CARD: u32 = 31;
export const EMAIL: u32 = 32;
export const KINDS: u32 = 33;
export const NONE: u32 = 255;

const NAMES: StaticArray<string> = [
  "aws-access-key",
  "aws-secret-key",
  "google-api-key",
  "google-oauth",
  "azure-client-secret",
  "azure-storage-key",
  "azure-sas",
  "github-token",
  "gitlab-token",
  "slack-token",
  "slack-webhook",
  "stripe-key",
  "npm-token",
  "pypi-token",
  "openai-key",
  "anthropic-key",
  "huggingface-token",
  "sendgrid-key",
  "twilio-key",
  "digitalocean-token",
  "shopify-token",
  "databricks-token",
  "vault-token",
  "age-key",
  "bearer-token",
  "authorization",
  "jwt",
  "private-key",
  "password",
  "secret",
  "url-password",
  "card",
  "email",
];

export function nameOf(kind: u32): string {
  return NAMES[kind];
}
