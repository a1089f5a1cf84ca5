//! Enums whose variants have a name on the wire.

/// Declares an enum and everything that lists its variants, so that no list can miss one: `ALL`, the accessor of the
/// name (after `->`), `from_name`, `Display` and `Serialize`.
macro_rules! named_enum {
    (
        $(#[$attribute:meta])*
        pub enum $Enum:ident -> $accessor:ident {
            $( $(#[$variant_attribute:meta])* $Variant:ident = $name:literal, )+
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum $Enum {
            $( $(#[$variant_attribute])* #[cfg_attr(feature = "openapi", schema(rename = $name))] $Variant, )+
        }

        impl $Enum {
            /// Every variant, in the order of the declaration.
            pub const ALL: [Self; [$( $name ),+].len()] = [$( Self::$Variant ),+];

            /// The name on the wire.
            #[must_use]
            pub const fn $accessor(self) -> &'static str {
                match self {
                    $( Self::$Variant => $name, )+
                }
            }

            /// The variant with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $( $name => Some(Self::$Variant), )+
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $Enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.$accessor())
            }
        }

        impl serde::Serialize for $Enum {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.$accessor())
            }
        }
    };
}
