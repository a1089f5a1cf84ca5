//! How much of an item an entry has room for.

use serde::Serialize;

use super::{
    image::{Image, is_modelled},
    images::{Before, Images},
};

/// The images of an entry at most, as JSON. DynamoDB's limit for an item is 400 KB, and the rest of an entry takes some
/// 10 kB where a person wrote the longest possible key.
pub const MAX_ENTRY_BYTES: usize = 380_000;

/// The images with as much of them as an entry has room for.
pub(super) fn bounded(images: Images) -> Images {
    if bytes(&images) <= MAX_ENTRY_BYTES {
        return images;
    }
    let names: Vec<String> = images.changed_attributes().into_iter().map(str::to_owned).collect();
    let modelled = modelled(images);
    if bytes(&modelled) <= MAX_ENTRY_BYTES {
        return modelled;
    }
    if json_bytes(&names) <= MAX_ENTRY_BYTES {
        Images::Names(names)
    } else {
        Images::Truncated
    }
}

impl Images {
    /// The size of the images as JSON.
    #[must_use]
    pub fn json_bytes(&self) -> usize {
        bytes(self)
    }
}

fn bytes(images: &Images) -> usize {
    match images {
        Images::Whole { after, before } | Images::Modelled { after, before } => {
            let before = match before {
                Before::Absent | Before::Unknown => 0,
                Before::Values(values) => json_bytes(values),
            };
            json_bytes(after) + before
        }
        Images::Names(names) => json_bytes(names),
        Images::Truncated => 0,
    }
}

fn modelled(images: Images) -> Images {
    match images {
        Images::Whole { after, before } | Images::Modelled { after, before } => Images::Modelled {
            after: after.as_ref().map(Image::modelled),
            before: match before {
                Before::Values(mut values) => {
                    values.retain(|name, _| is_modelled(name));
                    Before::Values(values)
                }
                Before::Absent | Before::Unknown => before,
            },
        },
        Images::Names(_) | Images::Truncated => images,
    }
}

/// JSON of strings, lists and maps by strings does not fail.
fn json_bytes(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |json| json.len())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn image(name: &str, text: &str) -> Image {
        let mut item = json!({"tenant_id": {"S": "acme"}, "type": {"S": "s3"}});
        item[name] = json!({ "S": text });
        Image::from_json(item).unwrap()
    }

    fn update(name: &str, from: &str, to: &str) -> Images {
        bounded(Images::between(Some(image(name, from)), Some(image(name, to))))
    }

    #[test]
    fn images_that_fit_are_whole() {
        let images = update("note", &"a".repeat(180_000), &"b".repeat(180_000));
        assert!(matches!(images, Images::Whole { .. }));
        assert!(images.json_bytes() > 360_000);
    }

    #[test]
    fn large_attribute_that_is_not_in_the_model_is_left_out() {
        let images = update("note", &"a".repeat(200_000), &"b".repeat(200_000));
        let Images::Modelled { after, before } = images else {
            panic!("{images:?}")
        };
        let after = after.unwrap();
        assert_eq!((after.text("tenant_id"), after.get("note")), (Some("acme"), None));
        assert_eq!(before, Before::Values([].into()));
    }

    #[test]
    fn change_that_is_too_large_has_the_names_of_its_attributes() {
        let images = update("bucket_name", &"a".repeat(200_000), &"b".repeat(200_000));
        assert_eq!(images, Images::Names(vec!["bucket_name".to_owned()]));
    }

    #[test]
    fn names_that_are_too_large_are_left_out_as_well() {
        let names = (0..7_u8).map(|n| (char::from(b'a' + n).to_string().repeat(60_000), json!({"BOOL": true})));
        let mut item: serde_json::Map<String, Value> = names.collect();
        item.insert("bucket_name".to_owned(), json!({"S": "b".repeat(390_000)}));
        let images = bounded(Images::between(None, Image::from_json(item.into())));
        assert_eq!(images, Images::Truncated);
    }
}
