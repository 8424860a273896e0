//! The table: every method of the contract and who may call it.
//!
//! Read it beside the permission matrix: a right that a role has here is what the role is for.

use super::{Access, Service};
use crate::Role::{Admin, Editor, Owner, Reviewer, Viewer};

/// Anybody, without a token.
const PUBLIC: Access = Access::Public;

/// Any user who is signed in, a member of an organization or not.
const USER: Access = Access::User;

/// Whoever is a member: they all may look.
const MEMBER: Access =
    Access::Granted { roles: &[Owner, Admin, Editor, Reviewer, Viewer], services: &[] };

/// Those who manage the organization.
const ADMIN: Access = Access::Granted { roles: &[Owner, Admin], services: &[] };

/// Those who make pictures.
const EDITOR: Access = Access::Granted { roles: &[Owner, Admin, Editor], services: &[] };

/// Those who decide on pictures, which editors may not unless they made none of them.
const REVIEWER: Access =
    Access::Granted { roles: &[Owner, Admin, Editor, Reviewer], services: &[] };

/// No user at all.
const NOBODY: Access = Access::Granted { roles: &[], services: &[] };

/// The services, adapters among them.
const SERVICES_ALL: &[&str] = &[
    "catalog",
    "compute",
    "delivery",
    "gateway",
    "generation",
    "identity",
    "media",
    "provider-*",
    "shooting",
];

/// The services that read for an organization while they do its work.
const READERS: &[&str] = &["catalog", "delivery", "gateway", "generation", "media", "shooting"];

/// The services that let compute work.
const EMPLOYERS: &[&str] = &["catalog", "delivery", "generation"];

pub(super) const SERVICES: &[&[Service]] =
    &[IDENTITY, MEDIA, CATALOG, SHOOTING, GENERATION, DELIVERY, COMPUTE, PROVIDER, EVENT];

const IDENTITY: &[Service] = &[
    Service {
        name: "sartiq.identity.v1.AuthService",
        methods: &[
            ("SignUp", PUBLIC),
            ("Login", PUBLIC),
            ("Refresh", PUBLIC),
            ("Logout", USER),
            ("ExchangeKey", PUBLIC),
            ("ListSigningKeys", PUBLIC),
            ("ListRevocations", NOBODY.and(SERVICES_ALL)),
        ],
    },
    Service {
        name: "sartiq.identity.v1.UserService",
        methods: &[("GetMe", USER), ("UpdateMe", USER)],
    },
    Service {
        name: "sartiq.identity.v1.SessionService",
        methods: &[("ListSessions", USER), ("RevokeSession", USER)],
    },
    Service {
        name: "sartiq.identity.v1.OrganizationService",
        methods: &[
            ("CreateOrganization", USER),
            ("GetOrganization", USER),
            ("ListOrganizations", USER),
            ("UpdateOrganization", ADMIN),
            ("SwitchOrganization", USER),
        ],
    },
    Service {
        name: "sartiq.identity.v1.MemberService",
        methods: &[
            ("ListMembers", MEMBER.and(READERS)),
            ("InviteMember", ADMIN),
            ("AcceptInvitation", USER),
            ("UpdateMemberRole", ADMIN),
            ("RemoveMember", ADMIN),
        ],
    },
];

const MEDIA: &[Service] = &[
    Service {
        name: "sartiq.media.v1.UploadService",
        methods: &[
            ("CreateUpload", EDITOR),
            ("GetUpload", EDITOR),
            ("CompleteUpload", EDITOR),
            ("AbortUpload", EDITOR),
        ],
    },
    Service {
        name: "sartiq.media.v1.MediaService",
        methods: &[
            ("GetMedia", MEMBER.and(READERS)),
            ("BatchGetMedia", MEMBER.and(READERS)),
            ("ListMedia", MEMBER.and(READERS)),
            ("SignUrls", MEMBER.and(SERVICES_ALL)),
            ("SetAttachments", NOBODY.and(READERS)),
            ("ListAttachments", MEMBER.and(READERS)),
        ],
    },
    Service {
        name: "sartiq.media.v1.WorkspaceService",
        methods: &[
            (
                "SignWrite",
                NOBODY.and(&["catalog", "compute", "delivery", "generation", "provider-*"]),
            ),
            (
                "SignRead",
                NOBODY.and(&["catalog", "compute", "delivery", "generation", "provider-*"]),
            ),
            ("Adopt", NOBODY.and(&["catalog", "delivery", "generation"])),
        ],
    },
];

const CATALOG: &[Service] = &[
    Service {
        name: "sartiq.catalog.v1.ProductService",
        methods: &[
            ("CreateProduct", EDITOR),
            ("GetProduct", MEMBER.and(READERS)),
            ("BatchGetProducts", MEMBER.and(READERS)),
            ("ListProducts", MEMBER.and(READERS)),
            ("UpdateProduct", EDITOR),
            ("ArchiveProduct", EDITOR),
            ("RestoreProduct", EDITOR),
        ],
    },
    Service {
        name: "sartiq.catalog.v1.SubjectService",
        methods: &[
            ("CreateSubject", EDITOR),
            ("GetSubject", MEMBER.and(READERS)),
            ("BatchGetSubjects", MEMBER.and(READERS)),
            ("ListSubjects", MEMBER.and(READERS)),
            ("UpdateSubject", EDITOR),
        ],
    },
    Service {
        name: "sartiq.catalog.v1.StyleService",
        methods: &[
            ("CreateStyle", EDITOR),
            ("GetStyle", MEMBER.and(READERS)),
            ("BatchGetStyles", MEMBER.and(READERS)),
            ("ListStyles", MEMBER.and(READERS)),
            ("UpdateStyle", EDITOR),
        ],
    },
    Service {
        name: "sartiq.catalog.v1.GuidelineService",
        methods: &[
            ("CreateGuideline", EDITOR),
            ("GetGuideline", MEMBER.and(READERS)),
            ("BatchGetGuidelines", MEMBER.and(READERS)),
            ("ListGuidelines", MEMBER.and(READERS)),
            ("UpdateGuideline", EDITOR),
        ],
    },
    Service {
        name: "sartiq.catalog.v1.ShotTypeService",
        methods: &[
            ("CreateShotType", EDITOR),
            ("GetShotType", MEMBER.and(READERS)),
            ("BatchGetShotTypes", MEMBER.and(READERS)),
            ("ListShotTypes", MEMBER.and(READERS)),
            ("UpdateShotType", EDITOR),
        ],
    },
];

const SHOOTING: &[Service] = &[
    Service {
        name: "sartiq.shooting.v1.ShootingService",
        methods: &[
            ("CreateShooting", EDITOR),
            ("GetShooting", MEMBER.and(READERS)),
            ("ListShootings", MEMBER.and(READERS)),
            ("UpdateShooting", EDITOR),
            ("ArchiveShooting", EDITOR),
            ("RestoreShooting", EDITOR),
        ],
    },
    Service {
        name: "sartiq.shooting.v1.LookService",
        methods: &[
            ("CreateLook", EDITOR),
            ("BatchCreateLooks", EDITOR),
            ("GetLook", MEMBER.and(READERS)),
            ("ListLooks", MEMBER.and(READERS)),
            ("UpdateLook", EDITOR),
            ("DeleteLook", EDITOR),
        ],
    },
    Service {
        name: "sartiq.shooting.v1.ShotService",
        methods: &[
            ("GetShot", MEMBER.and(READERS)),
            ("BatchGetShots", MEMBER.and(READERS)),
            ("ListShots", MEMBER.and(READERS)),
        ],
    },
    Service {
        name: "sartiq.shooting.v1.ReviewService",
        methods: &[
            ("ApprovePrediction", REVIEWER),
            ("RejectPrediction", REVIEWER),
            ("RevisePrediction", EDITOR),
            // Whose decision may be undone by whom is for shooting to say.
            ("UndoDecision", REVIEWER),
            ("BatchDecide", REVIEWER),
            ("BatchUndoDecisions", REVIEWER),
            ("ListDecisions", MEMBER.and(READERS)),
        ],
    },
];

const GENERATION: &[Service] = &[
    Service {
        name: "sartiq.generation.v1.GenerationService",
        methods: &[
            ("QuoteGeneration", EDITOR),
            // A revision starts a generation on behalf of the user who asked for it.
            ("StartGeneration", EDITOR.and(&["shooting"])),
            ("BatchStartGenerations", EDITOR),
            ("GetGeneration", MEMBER.and(READERS)),
            ("ListGenerations", MEMBER.and(READERS)),
            ("CancelGeneration", EDITOR.and(&["shooting"])),
            ("WatchGeneration", MEMBER.and(READERS)),
        ],
    },
    Service {
        name: "sartiq.generation.v1.PredictionService",
        methods: &[
            ("GetPrediction", MEMBER.and(READERS)),
            ("BatchGetPredictions", MEMBER.and(READERS)),
            ("ListPredictions", MEMBER.and(READERS)),
            ("CancelPrediction", EDITOR),
        ],
    },
];

const DELIVERY: &[Service] = &[
    Service {
        name: "sartiq.delivery.v1.ExportService",
        methods: &[
            ("CreateExport", EDITOR),
            ("GetExport", MEMBER),
            ("ListExports", MEMBER),
            ("ListExportItems", MEMBER),
            ("SignDownload", MEMBER),
            ("RetryExport", EDITOR),
            ("CancelExport", EDITOR),
        ],
    },
    Service {
        name: "sartiq.delivery.v1.TargetService",
        methods: &[
            ("CreateTarget", ADMIN),
            // Their secrets never leave delivery.
            ("GetTarget", MEMBER),
            ("ListTargets", MEMBER),
            ("TestTarget", ADMIN),
            ("DeleteTarget", ADMIN),
        ],
    },
];

const COMPUTE: &[Service] = &[
    Service {
        name: "sartiq.compute.v1.WorkflowService",
        methods: &[
            ("SubmitWorkflow", NOBODY.and(EMPLOYERS)),
            ("GetWorkflow", MEMBER.and(EMPLOYERS)),
            ("GetWorkflowResult", MEMBER.and(EMPLOYERS)),
            ("ListWorkflows", MEMBER.and(EMPLOYERS)),
            ("CancelWorkflow", NOBODY.and(EMPLOYERS)),
        ],
    },
    Service {
        name: "sartiq.compute.v1.TaskService",
        methods: &[
            ("GetTask", MEMBER.and(EMPLOYERS)),
            ("ListTasks", MEMBER.and(EMPLOYERS)),
            ("CancelTasks", NOBODY.and(EMPLOYERS)),
        ],
    },
    Service {
        name: "sartiq.compute.v1.RouteService",
        methods: &[
            ("ListProviders", ADMIN.and(SERVICES_ALL)),
            ("ListRoutes", ADMIN.and(SERVICES_ALL)),
            ("SetRoute", NOBODY.and(SERVICES_ALL)),
            ("EstimateRuns", NOBODY.and(EMPLOYERS)),
        ],
    },
];

const PROVIDER: &[Service] = &[Service {
    name: "sartiq.provider.v1.ProviderService",
    methods: &[
        ("Describe", NOBODY.and(&["compute"])),
        ("ListModels", NOBODY.and(&["compute"])),
        ("Estimate", NOBODY.and(&["compute"])),
        ("Run", NOBODY.and(&["compute"])),
        ("Resume", NOBODY.and(&["compute"])),
        ("Cancel", NOBODY.and(&["compute"])),
        ("Check", NOBODY.and(&["compute"])),
    ],
}];

const EVENT: &[Service] = &[Service {
    name: "sartiq.event.v1.EventService",
    methods: &[("Subscribe", MEMBER), ("Poll", MEMBER)],
}];
