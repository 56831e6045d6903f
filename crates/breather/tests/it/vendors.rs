//! The headers that known servers send, and the hints that breather reads from them.

use breather::{Dialect, Hint, driver::Moment};

use super::said::{AT, lines, said};

/// A server's name, the dialect, the header lines and the expected hint.
type Row = (
    &'static str,
    Option<&'static str>,
    &'static str,
    &'static str,
);

fn check(rows: &[Row]) {
    for (vendor, dialect, sent, expected) in rows {
        let by = dialect.map_or(String::new(), |dialect| format!(" by dialect {dialect}"));
        assert_eq!(said(*dialect, sent), lines(expected), "{vendor}{by}");
    }
}

#[test]
fn servers_that_send_only_a_delay() {
    check(&[
        ("Slack", None, "Retry-After: 30", "wait 30s"),
        ("Notion", None, "Retry-After: 58", "wait 58s"),
        ("Spotify", None, "Retry-After: 75600", "wait 75600s"),
        ("Webex Contact Center", None, "Retry-After: 12", "wait 12s"),
        ("Helix ALM", None, "RetryAfter: 17", "wait 17s"),
        ("AWS", None, "x-amz-retry-after: 1500", "wait 1.5s"),
        (
            "Azure's SDKs",
            None,
            "
            Retry-After: 2
            x-ms-retry-after-ms: 1200
            retry-after-ms: 800
            ",
            "
            wait 1.2s
            ignored retry-after: Outranked
            ",
        ),
        (
            "Oracle",
            None,
            "
            RequestLimit-Default-RetryAfter: 2500
            RequestLimit-Write-RetryAfter: 900
            ",
            "
            wait 2.5s
            ",
        ),
        (
            "Oracle, of a write",
            None,
            "
            RequestLimit-Default-RetryAfter: 900
            RequestLimit-Write-RetryAfter: 1900
            ",
            "
            wait 1.9s
            ",
        ),
        ("gRPC", None, "grpc-retry-pushback-ms: 250", "wait 250ms"),
        (
            "gRPC's stop",
            None,
            "grpc-retry-pushback-ms: -1",
            "retry false",
        ),
        (
            "Stripe, of a lock",
            None,
            "
            Stripe-Should-Retry: true
            Stripe-Rate-Limited-Reason: global-concurrency
            ",
            "retry true",
        ),
        (
            "Stripe, of a charge that was declined",
            None,
            "Stripe-Should-Retry: false",
            "retry false",
        ),
    ]);
}

#[test]
fn servers_with_epoch_resets() {
    let github = "
        X-RateLimit-Limit: 5000
        X-RateLimit-Remaining: 0
        X-RateLimit-Used: 5000
        X-RateLimit-Reset: 1800001200
        X-RateLimit-Resource: core
        ";
    let core = "
        core: limit 5000 remaining 0 used 5000 reset 1200s
        wait 1200s
        ";
    let x = "
        x-rate-limit-limit: 900
        x-rate-limit-remaining: 899
        x-rate-limit-reset: 1800000900
        x-app-limit-24hour-limit: 10000
        x-app-limit-24hour-remaining: 0
        x-app-limit-24hour-reset: 1800043200
        x-user-limit-24hour-limit: 50
        x-user-limit-24hour-remaining: 49
        x-user-limit-24hour-reset: 1800086400
        ";
    let x_says = "
        x-rate-limit: limit 900 remaining 899 reset 900s
        app-24hour: limit 10000 remaining 0 reset 43200s length 86400s
        user-24hour: limit 50 remaining 49 reset 86400s length 86400s
        wait 43200s
        ";
    let okta = "
        X-Rate-Limit-Limit: 600
        X-Rate-Limit-Remaining: 0
        X-Rate-Limit-Reset: 1800000017
        ";
    let okta_says = "
        x-rate-limit: limit 600 remaining 0 reset 17s
        wait 17s
        ";
    let auth0 = "
        x-ratelimit-limit: 10
        x-ratelimit-remaining: 9
        x-ratelimit-reset: 1800000001
        Auth0-Client-Quota-Limit: b=per_hour;q=100;r=0;t=1320,b=per_day;q=300;r=299;t=40000
        Auth0-Organization-Quota-Limit: b=per_hour;q=1000;r=998;t=1320
        ";
    let auth0_says = "
        x-ratelimit: limit 10 remaining 9 reset 1s
        per_hour: limit 100 remaining 0 reset 1320s length 3600s
        per_day: limit 300 remaining 299 reset 40000s length 86400s
        per_hour: limit 1000 remaining 998 reset 1320s length 3600s
        wait 1320s
        ";
    let pexels = "
        X-Ratelimit-Limit: 20000
        X-Ratelimit-Remaining: 19684
        X-Ratelimit-Reset: 1800500000
        ";
    let linear = "
        X-RateLimit-Requests-Limit: 1500
        X-RateLimit-Requests-Remaining: 1499
        X-RateLimit-Requests-Reset: 1800003600000
        X-Complexity: 112
        X-RateLimit-Complexity-Limit: 250000
        X-RateLimit-Complexity-Remaining: 0
        X-RateLimit-Complexity-Reset: 1800000030250
        X-RateLimit-Endpoint-Requests-Limit: 60
        X-RateLimit-Endpoint-Requests-Remaining: 59
        X-RateLimit-Endpoint-Requests-Reset: 1800000060000
        X-RateLimit-Endpoint-Name: issueCreate
        ";
    let linear_says = "
        requests: limit 1500 remaining 1499 reset 3600s
        complexity: limit 250000 remaining 0 reset 30.25s unit points
        endpoint-requests: limit 60 remaining 59 reset 60s
        wait 30.25s
        ";
    check(&[
        ("GitHub", None, github, core),
        ("GitHub", Some("github"), github, core),
        (
            "GitHub's secondary limit",
            None,
            "
            x-ratelimit-remaining: 14
            x-ratelimit-reset: 1800001200
            x-ratelimit-resource: search
            retry-after: 60
            ",
            "
            search: remaining 14 reset 1200s
            wait 60s
            ",
        ),
        ("X", None, x, x_says),
        ("X", Some("x"), x, x_says),
        ("Okta", None, okta, okta_says),
        ("Okta", Some("okta"), okta, okta_says),
        ("Auth0", None, auth0, auth0_says),
        ("Auth0", Some("auth0"), auth0, auth0_says),
        (
            "Pexels",
            None,
            pexels,
            "x-ratelimit: limit 20000 remaining 19684 reset 500000s",
        ),
        // Its rejections have none of these headers.
        (
            "Pexels, throttling",
            None,
            "Content-Type: application/json",
            "",
        ),
        ("Linear", None, linear, linear_says),
        ("Linear", Some("linear"), linear, linear_says),
        (
            "Imgur",
            None,
            "
            X-RateLimit-UserLimit: 500
            X-RateLimit-UserRemaining: 0
            X-RateLimit-UserReset: 1800002400
            X-RateLimit-ClientLimit: 12500
            X-RateLimit-ClientRemaining: 12000
            X-Post-Rate-Limit-Limit: 1250
            X-Post-Rate-Limit-Remaining: 1249
            X-Post-Rate-Limit-Reset: 3600
            ",
            "
            user: limit 500 remaining 0 reset 2400s
            client: limit 12500 remaining 12000
            post: limit 1250 remaining 1249 reset 3600s
            wait 2400s
            ",
        ),
        (
            "Discord",
            None,
            "
            X-RateLimit-Limit: 5
            X-RateLimit-Remaining: 0
            X-RateLimit-Reset: 1800000002.573
            X-RateLimit-Reset-After: 2.345
            X-RateLimit-Bucket: abcd1234
            X-RateLimit-Scope: user
            ",
            "
            x-ratelimit: limit 5 remaining 0 reset 2.345s key abcd1234
            wait 2.345s
            ignored x-ratelimit-reset: Outranked
            ",
        ),
        (
            "Discord",
            Some("discord"),
            "
            X-RateLimit-Limit: 5
            X-RateLimit-Remaining: 0
            X-RateLimit-Reset-After: 2.345
            X-RateLimit-Reset: 1800000002.573
            X-RateLimit-Bucket: abcd1234
            ",
            "
            x-ratelimit: limit 5 remaining 0 reset 2.345s key abcd1234
            wait 2.345s
            ignored x-ratelimit-reset: Outranked
            ",
        ),
        (
            "Discord, without the delay",
            Some("discord"),
            "
            X-RateLimit-Remaining: 0
            X-RateLimit-Reset: 1800000002.573
            ",
            "
            x-ratelimit: remaining 0 reset 2.573s
            wait 2.573s
            ",
        ),
        (
            "Discord, of all routes",
            None,
            "
            X-RateLimit-Global: true
            X-RateLimit-Scope: global
            Retry-After: 65
            ",
            "wait 65s",
        ),
    ]);
}

#[test]
fn servers_with_epoch_resets_under_ietf_names() {
    let gitlab = "
        RateLimit-Limit: 600
        RateLimit-Name: throttle_authenticated_api
        RateLimit-Observed: 601
        RateLimit-Remaining: 0
        RateLimit-Reset: 1800000060
        RateLimit-ResetTime: Fri, 15 Jan 2027 08:01:00 GMT
        ";
    let gitlab_says = "
        throttle_authenticated_api: limit 600 remaining 0 used 601 reset 60s
        wait 60s
        ignored ratelimit-resettime: Outranked
        ";
    let twitch = "
        Ratelimit-Limit: 800
        Ratelimit-Remaining: 0
        Ratelimit-Reset: 1800000007
        ";
    let seven = "
        ratelimit: limit 800 remaining 0 reset 7s
        wait 7s
        ";
    check(&[
        ("GitLab", None, gitlab, gitlab_says),
        ("GitLab", Some("gitlab"), gitlab, gitlab_says),
        (
            "GitLab, with quota left",
            None,
            "
            RateLimit-Remaining: 595
            RateLimit-Reset: 1800000060
            ",
            "ratelimit: remaining 595 reset 60s",
        ),
        ("Twitch", None, twitch, seven),
        ("Twitch", Some("twitch"), twitch, seven),
        ("phone.com and Airweave", None, twitch, seven),
        (
            "agent.ai",
            None,
            "
            RateLimit-Limit: 1000: 1000
            RateLimit-Remaining: 0
            RateLimit-Reset: 1800000030
            RateLimit-Reset-Date: 2027-01-15T08:00:30Z
            ",
            "
            ratelimit: remaining 0 reset 30s
            wait 30s
            ignored ratelimit-limit: Unreadable
            ",
        ),
    ]);
}

#[test]
fn servers_with_resets_in_seconds() {
    let genesys = "
        inin-ratelimit-count: 299
        inin-ratelimit-allowed: 300
        inin-ratelimit-reset: 61
        ";
    let genesys_says = "inin-ratelimit: limit 300 remaining 1 used 299 reset 61s";
    let reddit = "
        X-Ratelimit-Used: 13
        X-Ratelimit-Remaining: 587.0
        X-Ratelimit-Reset: 312
        ";
    let reddit_says = "x-ratelimit: remaining 587 used 13 reset 312s";
    let zendesk = "
        X-Rate-Limit: 700
        X-Rate-Limit-Remaining: 699
        ratelimit-limit: 700
        ratelimit-remaining: 699
        ratelimit-reset: 41
        zendesk-ratelimit-tickets-index: total=100; remaining=0; resets=41
        Retry-After: 41
        ";
    let zendesk_says = "
        ratelimit: limit 700 remaining 699 reset 41s
        x-rate-limit: limit 700 remaining 699
        tickets-index: limit 100 remaining 0 reset 41s
        wait 41s
        ";
    let whoop = "
        X-RateLimit-Limit: 100, 100;window=60, 10000;window=86400
        X-RateLimit-Remaining: 0
        X-RateLimit-Reset: 3
        ";
    let whoop_says = "
        x-ratelimit: limit 100 remaining 0 reset 3s length 60s
        x-ratelimit: limit 10000 length 86400s
        wait 3s
        ";
    let helix = "
        x-ratelimit-remaining: 0
        x-ratelimit-reset: 17
        ";
    let helix_says = "
        x-ratelimit: remaining 0 reset 17s
        wait 17s
        ";
    check(&[
        ("Genesys Cloud", None, genesys, genesys_says),
        ("Genesys Cloud", Some("genesys"), genesys, genesys_says),
        (
            "Genesys Cloud, throttling",
            None,
            "
            inin-ratelimit-count: 301
            inin-ratelimit-allowed: 300
            inin-ratelimit-reset: 42
            Retry-After: 43
            ",
            "
            inin-ratelimit: limit 300 remaining 0 used 301 reset 42s
            wait 43s
            ",
        ),
        ("Reddit", None, reddit, reddit_says),
        ("Reddit", Some("reddit"), reddit, reddit_says),
        ("Zendesk", None, zendesk, zendesk_says),
        ("Zendesk", Some("zendesk"), zendesk, zendesk_says),
        (
            "Persona",
            None,
            "
            ratelimit-limit: 300
            ratelimit-remaining: 0
            ratelimit-reset: 53
            ",
            "
            ratelimit: limit 300 remaining 0 reset 53s
            wait 53s
            ",
        ),
        (
            "Brevo",
            None,
            "
            x-sib-ratelimit-limit: 100
            x-sib-ratelimit-remaining: 0
            x-sib-ratelimit-reset: 53
            ",
            "
            x-sib-ratelimit: limit 100 remaining 0 reset 53s
            wait 53s
            ",
        ),
        ("WHOOP", None, whoop, whoop_says),
        ("WHOOP", Some("whoop"), whoop, whoop_says),
        ("Helix ALM", None, helix, helix_says),
        ("Helix ALM", Some("helix"), helix, helix_says),
        (
            "Envoy",
            None,
            "
            x-ratelimit-limit: 10, 10;w=1;name=\"per-second\", 1000;w=3600
            x-ratelimit-remaining: 0
            x-ratelimit-reset: 1
            ",
            "
            x-ratelimit: limit 10 remaining 0 reset 1s length 1s
            x-ratelimit: limit 1000 length 3600s
            wait 1s
            ",
        ),
        (
            "RingCentral's penalty",
            None,
            "
            X-Rate-Limit-Group: heavy
            X-Rate-Limit-Limit: 50
            X-Rate-Limit-Remaining: 50
            X-Rate-Limit-Window: 60
            Retry-After: 60
            ",
            "
            heavy: limit 50 remaining 50 length 60s
            wait 60s
            ",
        ),
        (
            "Kong",
            None,
            "
            X-RateLimit-Limit-Second: 5
            X-RateLimit-Remaining-Second: 4
            X-RateLimit-Limit-Minute: 300
            X-RateLimit-Remaining-Minute: 0
            X-RateLimit-Limit-Hour: 10000
            X-RateLimit-Remaining-Hour: 9700
            X-RateLimit-Limit-Day: 100000
            X-RateLimit-Remaining-Day: 99700
            RateLimit-Limit: 300
            RateLimit-Remaining: 0
            RateLimit-Reset: 23
            Retry-After: 23
            ",
            "
            ratelimit: limit 300 remaining 0 reset 23s
            second: limit 5 remaining 4 length 1s
            minute: limit 300 remaining 0 length 60s
            hour: limit 10000 remaining 9700 length 3600s
            day: limit 100000 remaining 99700 length 86400s
            wait 23s
            ",
        ),
        (
            "Kong, with long windows",
            None,
            "
            X-RateLimit-Limit-Month: 100000
            X-RateLimit-Remaining-Month: 7
            X-RateLimit-Limit-Year: 1000000
            X-RateLimit-Remaining-Year: 900007
            ",
            "
            month: limit 100000 remaining 7
            year: limit 1000000 remaining 900007
            ",
        ),
    ]);
}

#[test]
fn servers_with_date_resets() {
    let anthropic = "
        anthropic-ratelimit-requests-limit: 50
        anthropic-ratelimit-requests-remaining: 49
        anthropic-ratelimit-requests-reset: 2027-01-15T08:00:02Z
        anthropic-ratelimit-tokens-limit: 90000
        anthropic-ratelimit-tokens-remaining: 88000
        anthropic-ratelimit-tokens-reset: 2027-01-15T08:00:01Z
        anthropic-ratelimit-input-tokens-limit: 50000
        anthropic-ratelimit-input-tokens-remaining: 50000
        anthropic-ratelimit-input-tokens-reset: 2027-01-15T08:00:00Z
        anthropic-ratelimit-output-tokens-limit: 40000
        anthropic-ratelimit-output-tokens-remaining: 0
        anthropic-ratelimit-output-tokens-reset: 2027-01-15T08:00:33Z
        anthropic-ratelimit-unified-reset: 1800018000
        ";
    let anthropic_says = "
        requests: limit 50 remaining 49 reset 2s
        tokens: limit 90000 remaining 88000 reset 1s unit tokens
        input-tokens: limit 50000 remaining 50000 reset 0ns unit input-tokens
        output-tokens: limit 40000 remaining 0 reset 33s unit output-tokens
        unified: reset 18000s unit other
        wait 33s
        ";
    let unified = "anthropic-ratelimit-unified-reset: 1800018000";
    let unified_says = "
        unified: reset 18000s unit other
        ";
    let jira = "
        X-RateLimit-Limit: 500
        X-RateLimit-Remaining: 0
        X-RateLimit-Reset: 2027-01-15T08:05Z
        X-RateLimit-NearLimit: true
        RateLimit-Reason: jira-burst-based
        ";
    let jira_says = "
        x-ratelimit: limit 500 remaining 0 reset 300s
        wait 300s
        ";
    let akamai = "
        X-RateLimit-Limit: 60
        X-RateLimit-Remaining: 0
        X-RateLimit-Next: 2027-01-15T08:00:01.5Z
        ";
    let akamai_says = "
        x-ratelimit: limit 60 remaining 0 reset 1.5s
        wait 1.5s
        ";
    let lemlist = "
        X-RateLimit-Limit: 20
        X-RateLimit-Remaining: 0
        X-RateLimit-Reset: Fri Jan 15 2027 09:00:02 GMT+0100 (Central European Standard Time)
        ";
    let lemlist_says = "
        x-ratelimit: limit 20 remaining 0 reset 2s
        wait 2s
        ";
    let mailerlite = "
        X-RateLimit-Limit: 120
        X-RateLimit-Remaining: 0
        X-RateLimit-Reset: 2027-01-15T08:01:00Z
        X-RateLimit-Retry-After: 59
        ";
    let mailerlite_says = "
        x-ratelimit: limit 120 remaining 0 reset 60s
        wait 59s
        ";
    let minute = "
        x-ratelimit: remaining 0 reset 60s
        wait 60s
        ";
    check(&[
        ("Anthropic", None, anthropic, anthropic_says),
        ("Anthropic", Some("anthropic"), anthropic, anthropic_says),
        ("Anthropic's one window", None, unified, unified_says),
        (
            "Anthropic's one window",
            Some("anthropic"),
            unified,
            unified_says,
        ),
        ("Jira Cloud", None, jira, jira_says),
        ("Jira Cloud", Some("jira"), jira, jira_says),
        ("Akamai", None, akamai, akamai_says),
        ("Akamai", Some("akamai"), akamai, akamai_says),
        ("lemlist", None, lemlist, lemlist_says),
        ("lemlist", Some("lemlist"), lemlist, lemlist_says),
        ("MailerLite", None, mailerlite, mailerlite_says),
        (
            "MailerLite",
            Some("mailerlite"),
            mailerlite,
            mailerlite_says,
        ),
        (
            "Vimeo",
            None,
            "
            X-RateLimit-Remaining: 0
            X-RateLimit-Reset: 2027-01-15T08:01:00+00:00
            ",
            minute,
        ),
        (
            "Rachio, as documented",
            None,
            "
            X-RateLimit-Remaining: 0
            X-RateLimit-Reset: Fri, 15 Jan 2027 08:01:00 GMT
            ",
            minute,
        ),
        (
            "Rachio, as sent",
            None,
            "
            X-RateLimit-Remaining: 0
            X-RateLimit-Reset: 2027-01-15T08:01:00Z
            ",
            minute,
        ),
    ]);
}

#[test]
fn servers_with_and_without_units_in_resets() {
    let openai = "
        x-ratelimit-limit-requests: 60
        x-ratelimit-remaining-requests: 59
        x-ratelimit-reset-requests: 1s
        x-ratelimit-limit-tokens: 150000
        x-ratelimit-remaining-tokens: 0
        x-ratelimit-reset-tokens: 6m0s
        x-ratelimit-limit-tokens_usage_based: 4000000
        x-ratelimit-remaining-tokens_usage_based: 3999990
        x-ratelimit-reset-tokens_usage_based: 9ms
        x-should-retry: true
        ";
    let openai_says = "
        requests: limit 60 remaining 59 reset 1s
        tokens: limit 150000 remaining 0 reset 360s unit tokens
        tokens_usage_based: limit 4000000 remaining 3999990 reset 9ms unit tokens
        wait 360s
        retry true
        ";
    let azure = "
        x-ratelimit-limit-requests: 60
        x-ratelimit-remaining-requests: 0
        x-ratelimit-reset-requests: 10
        x-ratelimit-limit-tokens: -1
        x-ratelimit-remaining-tokens: -1
        x-ratelimit-reset-tokens: -1
        ";
    let azure_says = "
        requests: limit 60 remaining 0 reset 10s
        wait 10s
        ignored x-ratelimit-limit-tokens: Sentinel
        ignored x-ratelimit-remaining-tokens: Sentinel
        ignored x-ratelimit-reset-tokens: Sentinel
        ";
    check(&[
        ("OpenAI", None, openai, openai_says),
        ("OpenAI", Some("openai"), openai, openai_says),
        (
            "OpenAI, with long units",
            None,
            "
            x-ratelimit-remaining-requests: 0
            x-ratelimit-reset-requests: 1h2m3s
            x-ratelimit-reset-tokens: 12ms
            retry-after: 1
            retry-after-ms: 864
            x-should-retry: false
            ",
            "
            requests: remaining 0 reset 3723s
            tokens: reset 12ms unit tokens
            wait 864ms
            retry false
            ignored retry-after: Outranked
            ",
        ),
        ("Azure OpenAI", None, azure, azure_says),
        ("Azure OpenAI", Some("azure-openai"), azure, azure_says),
        (
            "Azure OpenAI, without a limit",
            Some("azure-openai"),
            "
            x-ratelimit-limit-requests: 0
            x-ratelimit-remaining-requests: 0
            x-ratelimit-reset-requests: 0
            ",
            "
            ignored x-ratelimit-limit-requests: Ambiguous
            ignored x-ratelimit-remaining-requests: Ambiguous
            ignored x-ratelimit-reset-requests: Ambiguous
            ",
        ),
    ]);
}

#[test]
fn servers_with_counts_but_no_reset() {
    check(&[
        (
            "Shopify",
            None,
            "
            X-Shopify-Shop-Api-Call-Limit: 32/40
            ",
            "shop: limit 40 remaining 8 used 32",
        ),
        (
            "Shopify, throttling",
            None,
            "
            X-Shopify-Shop-Api-Call-Limit: 40/40
            Retry-After: 2.0
            ",
            "
            shop: limit 40 remaining 0 used 40
            wait 2s
            ",
        ),
        (
            "Gorgias",
            None,
            "
            X-Gorgias-Account-Api-Call-Limit: 10/40
            Retry-After: 3
            ",
            "
            account: limit 40 remaining 30 used 10
            wait 3s
            ",
        ),
        (
            "HubSpot",
            None,
            "
            X-HubSpot-RateLimit-Daily: 250000
            X-HubSpot-RateLimit-Daily-Remaining: 249999
            X-HubSpot-RateLimit-Secondly: 10
            X-HubSpot-RateLimit-Secondly-Remaining: 9
            X-HubSpot-RateLimit-Max: 100
            X-HubSpot-RateLimit-Remaining: 0
            X-HubSpot-RateLimit-Interval-Milliseconds: 10000
            ",
            "
            daily: limit 250000 remaining 249999 length 86400s
            secondly: limit 10 remaining 9 length 1s
            interval: limit 100 remaining 0 length 10s
            ",
        ),
        (
            "HighLevel",
            None,
            "
            X-RateLimit-Limit-Daily: 200000
            X-RateLimit-Daily-Remaining: 199999
            X-RateLimit-Max: 100
            X-RateLimit-Remaining: 99
            X-RateLimit-Interval-Milliseconds: 10000
            ",
            "
            x-ratelimit: limit 100 remaining 99 length 10s
            daily: limit 200000 remaining 199999 length 86400s
            ",
        ),
        (
            "Confluence and Jira, self-hosted",
            None,
            "
            X-RateLimit-Limit: 180
            X-RateLimit-Remaining: 0
            X-RateLimit-Interval-Seconds: 60
            X-RateLimit-FillRate: 30
            retry-after: 42
            ",
            "
            x-ratelimit: limit 180 remaining 0 length 60s
            wait 42s
            ",
        ),
        (
            "Confluence, with calls left",
            None,
            "
            X-RateLimit-Remaining: 3
            retry-after: 0
            ",
            "
            x-ratelimit: remaining 3
            wait 0ns
            ",
        ),
        (
            "Docker Hub's registry",
            None,
            "
            ratelimit-limit: 100;w=21600
            ratelimit-remaining: 76;w=21600
            docker-ratelimit-source: 192.0.2.7
            ",
            "ratelimit: limit 100 remaining 76 length 21600s key 192.0.2.7",
        ),
        (
            "Azure's resource manager",
            None,
            "
            x-ms-ratelimit-remaining-subscription-reads: 11999
            x-ms-ratelimit-remaining-subscription-writes: 1199
            x-ms-ratelimit-remaining-subscription-deletes: 14999
            x-ms-ratelimit-remaining-resource: Microsoft.Compute/GetVMScaleSet3Min;197,Microsoft.Compute/GetVMScaleSet30Min;0
            Retry-After: 17
            ",
            "
            subscription-reads: remaining 11999
            subscription-writes: remaining 1199
            subscription-deletes: remaining 14999
            Microsoft.Compute/GetVMScaleSet3Min: remaining 197
            Microsoft.Compute/GetVMScaleSet30Min: remaining 0
            wait 17s
            ",
        ),
        (
            "Azure's resource manager, for a tenant",
            None,
            "
            x-ms-ratelimit-remaining-tenant-reads: 11
            x-ms-ratelimit-remaining-tenant-writes: 12
            ",
            "
            tenant-reads: remaining 11
            tenant-writes: remaining 12
            ",
        ),
        (
            "Salesforce",
            None,
            "Sforce-Limit-Info: api-usage=10018/100000; api-bursts=750/750",
            "
            api-usage: limit 100000 remaining 89982 used 10018
            api-bursts: limit 750 remaining 0 used 750
            ",
        ),
        (
            "Salesforce, by app",
            None,
            "Sforce-Limit-Info: api-usage=18/5000; per-app-api-usage=17/250(appName=sample)",
            "
            api-usage: limit 5000 remaining 4982 used 18
            per-app-api-usage: limit 250 remaining 233 used 17
            ",
        ),
    ]);
}

/// If two servers use the same line for different things, only a dialect can tell them apart.
#[test]
fn dialects_distinguish_units_of_the_same_line() {
    let okta_or_prisjakt = "
        X-Rate-Limit-Remaining: 0
        X-Rate-Limit-Reset: 600000
        ";
    let seconds_or_epoch = "
        X-RateLimit-Remaining: 0
        X-RateLimit-Reset: 17
        ";
    let ietf_or_gitlab = "
        RateLimit-Remaining: 0
        RateLimit-Reset: 41
        ";
    let past = "
        x-ratelimit: remaining 0
        ignored x-ratelimit-reset: Past
        ";
    let seventeen = "
        x-ratelimit: remaining 0 reset 17s
        wait 17s
        ";
    let too_late = "
        x-rate-limit: remaining 0
        ignored x-rate-limit-reset: Past
        ";
    let ietf_past = "
        ratelimit: remaining 0
        ignored ratelimit-reset: Past
        ";
    let forty_one = "
        ratelimit: remaining 0 reset 41s
        wait 41s
        ";
    let hub = "
        X-Retry-After: 1800000030
        Retry-After: 1800000031
        X-RateLimit-Limit: 180
        X-RateLimit-Remaining: 0
        X-RateLimit-Reset: 1800000060
        ";
    check(&[
        (
            "Prisjakt, taken at its word",
            None,
            okta_or_prisjakt,
            "
            x-rate-limit: remaining 0 reset 600000s
            wait 600000s
            ",
        ),
        (
            "Prisjakt",
            Some("prisjakt"),
            okta_or_prisjakt,
            "
            x-rate-limit: remaining 0 reset 600s
            wait 600s
            ",
        ),
        ("Okta", Some("okta"), okta_or_prisjakt, too_late),
        ("X", Some("x"), okta_or_prisjakt, too_late),
        ("no known server", None, seconds_or_epoch, seventeen),
        ("Reddit", Some("reddit"), seconds_or_epoch, seventeen),
        ("WHOOP", Some("whoop"), seconds_or_epoch, seventeen),
        ("Helix ALM", Some("helix"), seconds_or_epoch, seventeen),
        ("GitHub", Some("github"), seconds_or_epoch, past),
        ("Auth0", Some("auth0"), seconds_or_epoch, past),
        ("Discord", Some("discord"), seconds_or_epoch, past),
        ("Jira Cloud", Some("jira"), seconds_or_epoch, seventeen),
        ("lemlist", Some("lemlist"), seconds_or_epoch, seventeen),
        (
            "MailerLite",
            Some("mailerlite"),
            seconds_or_epoch,
            seventeen,
        ),
        ("no known server", None, ietf_or_gitlab, forty_one),
        ("the drafts", Some("ietf"), ietf_or_gitlab, forty_one),
        ("Zendesk", Some("zendesk"), ietf_or_gitlab, forty_one),
        ("GitLab", Some("gitlab"), ietf_or_gitlab, ietf_past),
        ("Twitch", Some("twitch"), ietf_or_gitlab, ietf_past),
        // Docker Hub's delays are epochs, whatever their names. A standard `Retry-After` is read as
        // well.
        (
            "Docker Hub's API",
            None,
            hub,
            "
            x-ratelimit: limit 180 remaining 0 reset 60s
            wait 31s
            ",
        ),
        (
            "Docker Hub's API",
            Some("docker-hub"),
            hub,
            "
            x-ratelimit: limit 180 remaining 0 reset 60s
            wait 31s
            ",
        ),
        (
            "Docker Hub's API, in seconds",
            Some("docker-hub"),
            "
            X-Retry-After: 30
            Retry-After: 30
            ",
            "
            wait 30s
            ",
        ),
    ]);
}

#[test]
fn every_dialect_has_a_row() {
    let source = include_str!("vendors.rs");
    for dialect in Dialect::all() {
        let row = format!("Some(\"{}\")", dialect.name());
        assert!(source.contains(&row), "{} has no row", dialect.name());
    }
}

#[test]
fn gateways_with_their_own_delay_headers() {
    check(&[
        (
            "Traefik",
            None,
            "
            X-Retry-In: 1.4s
            Retry-After: 1
            ",
            "
            wait 1.4s
            ignored retry-after: Outranked
            ",
        ),
        ("Traefik, alone", None, "X-Retry-In: 250ms", "wait 250ms"),
        (
            "tower_governor",
            None,
            "
            X-RateLimit-After: 12
            X-RateLimit-Limit: 5
            X-RateLimit-Remaining: 0
            ",
            "
            x-ratelimit: limit 5 remaining 0
            wait 12s
            ",
        ),
    ]);
}

/// Headers for people have no effect, but reports show them.
#[test]
fn remarks_are_read_without_effect() {
    for header in [
        "ratelimit-reason",
        "ratelimit-reset-date",
        "stripe-rate-limited-reason",
        "x-ratelimit-endpoint-name",
        "x-ratelimit-fillrate",
        "x-ratelimit-global",
        "x-ratelimit-nearlimit",
        "x-ratelimit-scope",
    ] {
        let hint = Hint::read([(header, &b"1800000060"[..])], Moment::new(AT));
        let readings: Vec<_> = hint.readings().map(|it| it.to_string()).collect();
        assert_eq!(readings, ["remark"], "{header}");
        assert_eq!(hint.not_before(), None);
        assert_eq!(hint.windows().count(), 0);
    }
}
